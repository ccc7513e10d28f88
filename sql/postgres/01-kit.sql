-- rowseal kit, part 1 of 4: schema, functions and event triggers. For review by a DBA.
--
-- Run as a superuser, in the database that is captured:  psql -v ON_ERROR_STOP=1 -f 01-kit.sql
-- Postgres 14 to 18, any server encoding. May be run again at any time; a second run changes nothing.
-- 99-uninstall.sql takes everything back.
--
-- What it does to your database
--   * a schema `rowseal` with the functions below and two small tables that remember what to undo;
--   * a role `rowseal_owner` that cannot log in. It owns the SECURITY DEFINER functions, and all that it may do is
--     write logical messages into the WAL. It reads no table;
--   * four event triggers, so that DDL, drops and table rewrites leave a message in the WAL;
--   * EXECUTE on pg_logical_emit_message is revoked from PUBLIC: whoever may call it can forge what this kit says.
--     An application that calls it itself (an outbox, say) needs its own GRANT afterwards, and can forge as well.
-- No table is touched here; triggers on tables are a choice per table (03-tables.sql).
--
-- Who may call what: rowseal.set_context is granted to PUBLIC, for it only claims who acts: each message carries the
-- login that the server knows beside the claim. To narrow it, once:
--   REVOKE EXECUTE ON FUNCTION rowseal.set_context(jsonb) FROM PUBLIC;
--   GRANT EXECUTE ON FUNCTION rowseal.set_context(jsonb) TO your_app;
-- A later run of this file keeps that.
--
-- Messages are UTF-8 whatever the server's encoding, since logical decoding does not convert them.

begin;
set local lock_timeout = '5s';
set local search_path = pg_catalog, pg_temp;
set local client_min_messages = warning;

do $do$
begin
  if not (select rolsuper from pg_roles where rolname = current_user) then
    raise exception 'rowseal: this file needs a superuser' using errcode = '42501',
      hint = 'Event triggers, and pg_logical_emit_message, belong to superusers.';
  end if;
  if not exists (select from pg_roles where rolname = 'rowseal_owner') then
    create role rowseal_owner nologin noinherit;
    comment on role rowseal_owner is 'rowseal: owns its SECURITY DEFINER functions, cannot log in';
  end if;
  if to_regnamespace('rowseal') is null then
    create schema rowseal;
    grant usage on schema rowseal to public;
  end if;
end $do$;

-- What to undo, and what new tables get. Nothing in here is secret.
create table if not exists rowseal.kit (
  one boolean primary key default true check (one),
  version integer not null,
  -- The overloads of pg_logical_emit_message that PUBLIC could execute before us.
  public_emit text[] not null default '{}',
  -- New tables that get our triggers at once: `schema.table` with * and ?, a leading ! says no; the last match wins.
  attach_new text[] not null default '{}'
);
create table if not exists rowseal.replica_identity (
  relation oid primary key,
  was "char" not null,
  index name
);
grant select on rowseal.kit, rowseal.replica_identity to public;

-- Text of the database as UTF-8. Bytes that are no text of the server's encoding (SQL_ASCII lets any in) are taken
-- as LATIN1: an application must never fail because of what stands in its query.
create or replace function rowseal.utf8(given text) returns bytea
language plpgsql set search_path = pg_catalog, pg_temp as $f$
begin
  if getdatabaseencoding() = 'UTF8' then
    return convert_to(given, 'UTF8');
  end if;
  begin
    return convert_to(given, 'UTF8');
  exception when character_not_in_repertoire or untranslatable_character then
    return convert(convert_to(given, getdatabaseencoding()), 'LATIN1', 'UTF8');
  end;
end $f$;

-- The application says who acts, inside its transaction, before it writes:
--   SELECT rowseal.set_context('{"actor":{"type":"user","id":"u_8842"},"request":"req-77"}');
-- Costs 15 to 25 us of CPU and one small WAL record (pgbench, 8 clients saturating 2 cores: tps x 0.82). Call it in
-- transactions that write: in read-only ones it makes a transaction id and a commit of what had none.
create or replace function rowseal.set_context(context jsonb) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  said text;
begin
  if context is null or jsonb_typeof(context) <> 'object' or jsonb_typeof(context -> 'actor') is distinct from 'object'
     or coalesce(jsonb_typeof(context #> '{actor,id}'), '') not in ('string', 'number') or context #>> '{actor,id}' = ''
     or context #> '{actor,type}' not in ('"user"', '"service"', '"system"') then
    raise exception 'rowseal: the context is no JSON object with an actor' using errcode = '22023',
      hint = 'Give {"actor":{"type":"user","id":"..."}}; type is user, service or system.';
  end if;
  if octet_length(context::text) > 8192
     or (getdatabaseencoding() <> 'UTF8' and octet_length(rowseal.utf8(context::text)) > 8192) then
    raise exception 'rowseal: the context is longer than 8 KiB' using errcode = '22023';
  end if;
  if pg_is_in_recovery() then
    return; -- a standby writes nothing that could be attributed
  end if;
  said := json_build_object('v', 1, 'context', context, 'login', session_user, 'role', current_setting('role'),
    'application', current_setting('application_name'), 'address', host(inet_client_addr()), 'pid', pg_backend_pid());
  perform pg_logical_emit_message(true, 'rowseal.context',
    case when getdatabaseencoding() = 'UTF8' then convert_to(said, 'UTF8') else rowseal.utf8(said) end);
end $f$;

-- For the capture role, on an idle database: something to acknowledge, so that its slot does not pin old WAL.
create or replace function rowseal.heartbeat() returns pg_lsn
language sql security definer set search_path = pg_catalog, pg_temp as $f$
  select pg_logical_emit_message(true, 'rowseal.heartbeat', ''::bytea);
$f$;

-- The statement trigger: one message per transaction, and one more when login, role, application, rowseal.actor or
-- the query's trailing comment change. No SET clause here, for it would cost more than the rest: therefore every
-- name is qualified and no operator stands in it that a search_path could replace.
create or replace function rowseal.emit_session() returns trigger
language plpgsql security definer as $f$
declare
  xid pg_catalog.text;
  remark pg_catalog.text;
  claimed pg_catalog.text := pg_catalog.current_setting('rowseal.actor', true);
  known pg_catalog.text;
  os_user pg_catalog.text;
  said pg_catalog.text;
begin
  if pg_catalog.texteq(TG_WHEN, 'BEFORE') and (pg_catalog.texteq(TG_OP, 'INSERT') or pg_catalog.texteq(TG_OP, 'TRUNCATE')) then
    xid := pg_catalog.pg_current_xact_id()::pg_catalog.text; -- will write anyway: the message goes before its rows
  else
    xid := pg_catalog.pg_current_xact_id_if_assigned()::pg_catalog.text; -- may change nothing: stays read-only
    if xid is null then
      return null; -- the AFTER trigger looks again
    end if;
  end if;
  remark := pg_catalog.rtrim(pg_catalog.right(pg_catalog.current_query(), 2048), E' \t\r\n;');
  if pg_catalog.texteq(pg_catalog.right(remark, 2), '*/') then
    remark := rowseal.trailing_comment(remark);
  else
    remark := null;
  end if;
  known := pg_catalog.concat(xid, E'\x1f', session_user, E'\x1f', pg_catalog.current_setting('role'), E'\x1f',
    pg_catalog.current_setting('application_name'), E'\x1f', claimed, E'\x1f', remark);
  if pg_catalog.texteq(known, coalesce(pg_catalog.current_setting('rowseal.known', true), '')) then
    return null;
  end if;
  if pg_catalog.int4ge(pg_catalog.current_setting('server_version_num')::pg_catalog.int4, 160000) then
    os_user := pg_catalog.system_user();
  end if;
  said := pg_catalog.json_build_object(
    'v', 1, 'xid', xid, 'pid', pg_catalog.pg_backend_pid(), 'login', session_user,
    'role', pg_catalog.current_setting('role'), 'system_user', os_user,
    'application', pg_catalog.current_setting('application_name'),
    'address', pg_catalog.host(pg_catalog.inet_client_addr()),
    'actor', case when pg_catalog.texteq(claimed, '') then null else claimed end, 'comment', remark,
    'op', TG_OP, 'relid', TG_RELID::pg_catalog.text,
    'replication_role', pg_catalog.current_setting('session_replication_role'));
  perform pg_catalog.set_config('rowseal.known', known, true),
    pg_catalog.pg_logical_emit_message(true, 'rowseal.session',
      case when pg_catalog.nameeqtext(pg_catalog.getdatabaseencoding(), 'UTF8')
        then pg_catalog.convert_to(said, 'UTF8') else rowseal.utf8(said) end);
  return null;
end $f$;

-- The /*...*/ that a query ends with, delimiters included; null where its beginning lies further away than `given`.
create or replace function rowseal.trailing_comment(given text) returns text
language sql set search_path = pg_catalog, pg_temp as $f$
  select case when at > 0 then right(given, at + 3) end
    from (select strpos(substr(reverse(given), 3), '*/') as at) as found;
$f$;

-- Puts our triggers on a table and, where it is partitioned, on every partition. For its owner or a superuser.
-- Takes SHARE ROW EXCLUSIVE for a moment. ENABLE ALWAYS: session_replication_role = replica does not silence it.
-- Inserts and TRUNCATE write anyway, so they need no second look.
create or replace function rowseal.attach(relation regclass) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $f$
declare
  place regclass;
begin
  for place in
    select c.oid from pg_class as c where c.relkind in ('r', 'p') and c.relpersistence <> 't'
      and (c.oid = relation or c.oid in (select relid from pg_partition_tree(relation)))
      and (select count(*) from pg_trigger as t where t.tgrelid = c.oid and t.tgenabled = 'A'
             and t.tgfoid = 'rowseal.emit_session()'::regprocedure
             and t.tgname in ('rowseal_context_before', 'rowseal_context_after')) < 2
    order by c.oid
  loop
    execute format('create or replace trigger rowseal_context_before before insert or update or delete or truncate on %s for each statement execute function rowseal.emit_session()', place);
    execute format('create or replace trigger rowseal_context_after after update or delete on %s for each statement execute function rowseal.emit_session()', place);
    execute format('alter table only %s enable always trigger rowseal_context_before, enable always trigger rowseal_context_after', place);
  end loop;
end $f$;

-- Takes them off again, from partitions too.
create or replace function rowseal.detach(relation regclass) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $f$
declare
  found record;
begin
  for found in
    select t.tgrelid::regclass as place, t.tgname from pg_trigger as t
     where t.tgfoid = 'rowseal.emit_session()'::regprocedure and not t.tgisinternal
       and (t.tgrelid = relation or t.tgrelid in (select relid from pg_partition_tree(relation)))
  loop
    execute format('drop trigger %I on %s', found.tgname, found.place);
  end loop;
end $f$;

-- REPLICA IDENTITY FULL, remembering what stood before so that 99-uninstall.sql can put it back.
create or replace function rowseal.full_identity(relation regclass) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $f$
declare
  before "char" := (select relreplident from pg_class where oid = relation);
begin
  if before = 'f' then
    return;
  end if;
  insert into rowseal.replica_identity (relation, was, index)
  values (relation, before,
    (select c.relname from pg_index as i join pg_class as c on c.oid = i.indexrelid
      where i.indrelid = relation and i.indisreplident and before = 'i'))
  on conflict on constraint replica_identity_pkey do update set was = excluded.was, index = excluded.index;
  execute format('alter table only %s replica identity full', relation);
end $f$;

-- Whether a new table gets our triggers at once (rowseal.kit.attach_new).
create or replace function rowseal.attaches(schema_name text, table_name text) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $f$
  select coalesce((select left(p.pattern, 1) <> '!'
    from rowseal.kit, unnest(attach_new) with ordinality as p (pattern, place)
   where schema_name || '.' || table_name like
     replace(replace(replace(replace(replace(ltrim(p.pattern, '!'), '\', '\\'), '%', '\%'), '_', '\_'), '*', '%'), '?', '_')
   order by p.place desc limit 1), false);
$f$;

-- What every message on DDL says of the session.
create or replace function rowseal.emit_ddl(event text, tag text, object_type text, schema_name text, identity text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $f$
begin
  perform pg_logical_emit_message(true, 'rowseal.ddl', rowseal.utf8(json_build_object(
    'v', 1, 'tag', tag, 'object_type', object_type, 'schema', schema_name, 'identity', identity,
    'command', left(current_query(), 8192), 'event', event, 'login', session_user, 'role', current_setting('role'),
    'application', current_setting('application_name'), 'address', host(inet_client_addr()), 'pid', pg_backend_pid(),
    'actor', case when current_setting('rowseal.actor', true) <> '' then current_setting('rowseal.actor', true) end,
    'in_extension', false)::text));
end $f$;

create or replace function rowseal.on_ddl() returns event_trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  r record;
begin
  for r in select * from pg_event_trigger_ddl_commands()
    where not in_extension and coalesce(schema_name, '') not like 'pg\_temp%'
  loop
    perform rowseal.emit_ddl('ddl_command_end', r.command_tag, r.object_type, r.schema_name, r.object_identity);
  end loop;
end $f$;

-- A drop takes much along. Said are the objects named, and of those that go with them the ones that hold data or guard it.
create or replace function rowseal.on_drop() returns event_trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  r record;
begin
  for r in select * from pg_event_trigger_dropped_objects() where not is_temporary
    and (original or object_type in ('schema', 'table', 'foreign table', 'view', 'materialized view', 'table column',
                                     'trigger', 'policy', 'publication relation'))
  loop
    perform rowseal.emit_ddl('sql_drop', tg_tag, r.object_type, r.schema_name, r.object_identity);
  end loop;
end $f$;

-- ALTER TABLE ... TYPE ... USING changes every row, and the stream shows none of it: this message is all there is.
create or replace function rowseal.on_rewrite() returns event_trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
begin
  perform rowseal.emit_ddl('table_rewrite', tg_tag, 'table', n.nspname, format('%I.%I', n.nspname, c.relname))
    from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
   where c.oid = pg_event_trigger_table_rewrite_oid() and c.relpersistence <> 't';
end $f$;

-- New tables that attach_new names, and new partitions of tables that have our triggers, get them. Runs as the
-- superuser who installed it, for whoever creates a table need not be allowed to use our schema. It never makes
-- their CREATE TABLE fail: what goes wrong is a warning here and a finding in `rowseal doctor`.
create or replace function rowseal.on_new_table() returns event_trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  r record;
begin
  for r in select p.oid from pg_event_trigger_ddl_commands() as d
     join pg_class as c on c.oid = d.objid join pg_namespace as n on n.oid = c.relnamespace
     cross join lateral (
       select c.oid where d.command_tag <> 'ALTER TABLE'
       union select relid from pg_partition_tree(c.oid) where d.command_tag = 'ALTER TABLE') as p (oid)
    where d.classid = 'pg_class'::regclass and d.object_type = 'table' and not d.in_extension
      and c.relkind in ('r', 'p') and c.relpersistence = 'p' and n.nspname <> 'rowseal'
      -- What somebody disabled stays as they left it.
      and not exists (select from pg_trigger as t where t.tgrelid = p.oid and t.tgfoid = 'rowseal.emit_session()'::regprocedure)
      and ((d.command_tag <> 'ALTER TABLE' and rowseal.attaches(n.nspname, c.relname))
        or exists (select from pg_trigger as t where t.tgfoid = 'rowseal.emit_session()'::regprocedure
          and t.tgrelid in (select relid from pg_partition_ancestors(p.oid))))
  loop
    perform rowseal.attach(r.oid::regclass);
  end loop;
exception when others then
  raise warning 'rowseal: no context triggers on the new table: %', sqlerrm;
end $f$;

alter function rowseal.set_context(jsonb) owner to rowseal_owner;
alter function rowseal.heartbeat() owner to rowseal_owner;
alter function rowseal.emit_session() owner to rowseal_owner;
alter function rowseal.on_ddl() owner to rowseal_owner;
alter function rowseal.on_drop() owner to rowseal_owner;
alter function rowseal.on_rewrite() owner to rowseal_owner;
revoke all on function rowseal.utf8(text), rowseal.heartbeat(), rowseal.emit_session(),
  rowseal.trailing_comment(text), rowseal.attach(regclass), rowseal.detach(regclass), rowseal.full_identity(regclass),
  rowseal.attaches(text, text), rowseal.emit_ddl(text, text, text, text, text), rowseal.on_ddl(), rowseal.on_drop(),
  rowseal.on_rewrite(), rowseal.on_new_table() from public;
grant execute on function rowseal.utf8(text), rowseal.trailing_comment(text),
  rowseal.emit_ddl(text, text, text, text, text) to rowseal_owner;

-- The forging guard: only rowseal_owner and superusers write logical messages. (17 added an argument: hence the loop.)
do $do$
declare
  f record;
  taken text[] := '{}';
begin
  for f in select oid::regprocedure as name from pg_proc
     where proname = 'pg_logical_emit_message' and pronamespace = 'pg_catalog'::regnamespace
  loop
    if has_function_privilege('public', f.name, 'execute') then
      execute format('revoke execute on function %s from public', f.name);
      taken := taken || f.name::text;
    end if;
    if not has_function_privilege('rowseal_owner', f.name, 'execute') and f.name::text like '%bytea%' then
      execute format('grant execute on function %s to rowseal_owner', f.name);
    end if;
  end loop;
  if not exists (select from rowseal.kit) then -- the first run: later ones keep what you narrowed
    grant execute on function rowseal.set_context(jsonb) to public;
    insert into rowseal.kit (version) values (1);
  end if;
  update rowseal.kit set version = 1, public_emit = public_emit || taken where version <> 1 or taken <> '{}';
end $do$;

do $do$
declare
  e record;
begin
  for e in select * from (values
      ('rowseal_attach', 'ddl_command_end', 'on_new_table'), ('rowseal_ddl', 'ddl_command_end', 'on_ddl'),
      ('rowseal_drop', 'sql_drop', 'on_drop'), ('rowseal_rewrite', 'table_rewrite', 'on_rewrite')) as v (name, event, call)
  loop
    if not exists (select from pg_event_trigger where evtname = e.name) then
      execute format('create event trigger %I on %s execute function rowseal.%I()', e.name, e.event, e.call);
    end if;
    if not exists (select from pg_event_trigger where evtname = e.name and evtenabled = 'A') then
      execute format('alter event trigger %I enable always', e.name);
    end if;
  end loop;
end $do$;

commit;
