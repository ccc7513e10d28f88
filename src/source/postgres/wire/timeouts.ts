/**
 * Timeouts of the server that would end a session, a statement or a transaction of ours in the middle, whatever ALTER
 * DATABASE or ALTER ROLE says: a walsender decodes a large transaction inside one of its own (transaction_timeout of
 * 17 ended it, 25P04). Only those that this server knows, since naming another is an error.
 */
export const WITHOUT_TIMEOUTS = `select set_config(name, '0', false) from pg_catalog.pg_settings where name in
  ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout')`;
