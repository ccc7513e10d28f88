-- rowseal kit, part 2 of 4: the role that the daemon logs in as.
--
--   psql -v ON_ERROR_STOP=1 -v capture_role=rowseal -f 02-capture-role.sql
--   psql -c '\password rowseal'        the password never stands in a script, an argument or the server's log
--
-- What it may do: stream from a slot (REPLICATION), look things up in the system catalogs, call rowseal.heartbeat().
-- It reads no table. REPLICATION also lets a role copy the whole cluster (pg_basebackup) wherever pg_hba.conf lets it
-- open a physical replication connection, which the word `all` does not, but a `replication` line does. Logical
-- replication needs none; put this above such lines:
--   host  replication  rowseal  all  reject
-- An existing role is given what is missing and nothing is taken from it.

begin;
set local search_path = pg_catalog, pg_temp;
set local client_min_messages = warning;
select set_config('rowseal.capture_role', :'capture_role', true) as capture_role;
do $do$
declare
  capture name := current_setting('rowseal.capture_role');
begin
  if not exists (select from pg_roles where rolname = capture) then
    execute format('create role %I login replication noinherit connection limit 8', capture);
    execute format('comment on role %I is %L', capture, 'rowseal: capture role');
  elsif not exists (select from pg_roles where rolname = capture and rolcanlogin and (rolreplication or rolsuper)) then
    execute format('alter role %I login replication', capture);
  end if;
  if not has_database_privilege(capture, current_database(), 'connect') then
    execute format('grant connect on database %I to %I', current_database(), capture);
  end if;
  if not has_function_privilege(capture, 'rowseal.heartbeat()', 'execute') then
    execute format('grant execute on function rowseal.heartbeat() to %I', capture);
  end if;
end $do$;
commit;
