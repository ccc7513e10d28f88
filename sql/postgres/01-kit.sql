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

-- What every message on DDL says of the session. Many targets (a column of a table with thousands of partitions) are
-- told in several messages, none of them longer than the daemon reads.
drop function if exists rowseal.emit_ddl(text, text, text, text, text); -- version 1
create or replace function rowseal.emit_ddl(event text, tag text, object_type text, schema_name text, identity text, targets jsonb, in_extension boolean) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $f$
declare
  part record;
begin
  for part in
    select jsonb_agg(s.target order by s.place) as told from (
      select e.target, e.place, sum(octet_length(e.target::text)) over (order by e.place) / 65536 as nth
        from jsonb_array_elements(coalesce(targets, '[null]')) with ordinality as e (target, place)) as s
     group by s.nth order by s.nth
  loop
    perform pg_logical_emit_message(true, 'rowseal.ddl', rowseal.utf8(json_build_object(
      'v', 1, 'tag', tag, 'object_type', object_type, 'schema', schema_name, 'identity', identity,
      'targets', case when targets is not null then part.told end,
      'command', left(current_query(), 8192), 'event', event, 'login', session_user, 'role', current_setting('role'),
      'application', current_setting('application_name'), 'address', host(inet_client_addr()), 'pid', pg_backend_pid(),
      'actor', case when current_setting('rowseal.actor', true) <> '' then current_setting('rowseal.actor', true) end,
      'in_extension', in_extension)::text));
  end loop;
end $f$;

-- WHAT A STATEMENT DID, as the catalogs tell it, without a look at its text. An event trigger that is STABLE runs its
-- queries with the snapshot of the command that fires it: it sees the catalogs as they were before. A VOLATILE function
-- that it calls takes a new snapshot, and sees them as they are now. So all of the following must stay what they are
-- declared to be: on_ddl made VOLATILE would see that nothing ever changes.

-- Whether this transaction (an xmin or xmax) is not ours and committed after the snapshot was taken: then what the
-- snapshot shows is not what stood there just before the command, which had to wait for it.
create or replace function rowseal.came_later(xid text, seen pg_snapshot) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp as $f$
declare
  ours bigint := pg_current_xact_id()::text::bigint;
  back bigint := (ours - xid::bigint) & 4294967295;
begin
  if back > 2147483647 then
    back := back - 4294967296;
  end if;
  if xid in ('0', '1', '2') or back > ours or back < -1000000000 then
    return false; -- nobody, or before all that is remembered
  end if;
  return coalesce(pg_xact_status((ours - back)::text::xid8) = 'committed'
    and not pg_visible_in_snapshot((ours - back)::text::xid8, seen), false);
end $f$;

-- A relation with all that inherits from it, and the tables that are of a composite type.
create or replace function rowseal.family(relation oid) returns oid[]
language plpgsql stable set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan as $f$
begin
  return (with recursive kin (oid) as (
      select relation
      union select c.oid from pg_class as t join pg_class as c on c.reloftype = t.reltype where t.oid = relation and t.relkind = 'c'
      union select i.inhrelid from kin join pg_inherits as i on i.inhparent = kin.oid)
    select array_agg(kin.oid) from kin);
end $f$;

create or replace function rowseal.creates(tag text) returns boolean
language plpgsql immutable set search_path = pg_catalog, pg_temp as $f$
begin
  return tag like 'CREATE %' or tag in ('SELECT INTO', 'IMPORT FOREIGN SCHEMA');
end $f$;

-- How a relation is called in a target: what has rows of its own, or its parent, is a table; all else has a name.
create or replace function rowseal.named(relkind "char", name text) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp as $f$
begin
  return case when relkind in ('r', 'p', 'f') then jsonb_build_object('table', name) else jsonb_build_object('name', name) end
    || jsonb_build_object('kind', case relkind when 'r' then 'table' when 'p' then 'table' when 'f' then 'foreign table'
      when 'v' then 'view' when 'm' then 'materialized view' when 'i' then 'index' when 'I' then 'index'
      when 'S' then 'sequence' when 'c' then 'type' else 'relation' end);
end $f$;

-- The row of an object in its catalog, with its name and schema, whatever their columns are called there. Null where
-- there is none, or where it may not be read (user mappings).
create or replace function rowseal.catalog_row(catalog oid, object oid) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $f$
declare
  found jsonb;
begin
  if not has_table_privilege(catalog, 'select') then
    return null;
  end if;
  execute format('select to_jsonb(t) || jsonb_build_object(''xmax'', t.xmax::text) from pg_catalog.%I as t where t.oid = $1',
    (select c.relname from pg_class as c where c.oid = catalog)) into found using object;
  return found || jsonb_build_object(
    'name', (select m.value from jsonb_each_text(found) as m where m.key ~ '^[a-z]+name$' order by m.key limit 1),
    'owner', (select m.value from jsonb_each_text(found) as m where m.key ~ '^[a-z]+owner$' limit 1),
    'acl', (select m.value from jsonb_each_text(found) as m where m.key ~ '^[a-z]+acl$' limit 1),
    'schema', (select n.nspname from jsonb_each_text(found) as m join pg_namespace as n on n.oid = m.value::oid
                where m.key ~ '^[a-z]+namespace$' and m.key <> 'extnamespace' limit 1),
    'relation', (select m.value::bigint from jsonb_each_text(found) as m where m.value <> '0'
                  and m.key in ('tgrelid', 'polrelid', 'ev_class', 'conrelid', 'prrelid', 'stxrelid', 'adrelid') limit 1));
end $f$;

-- What there was before a command, seen with the snapshot of whoever calls this. `deep`: of those that inherit too, as
-- far as it wrote them anew. Of their columns the ones that it wrote anew, for these have an xmax now.
create or replace function rowseal.before(catalog oid, object oid, deep boolean) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan as $f$
declare
  kin oid[];
begin
  if catalog <> 'pg_class'::regclass then
    return jsonb_build_object('seen', pg_current_snapshot(), 'row', rowseal.catalog_row(catalog, object),
      'labels', (select jsonb_object_agg(e.oid::text, e.enumlabel) from pg_enum as e
                  where catalog = 'pg_type'::regclass and e.enumtypid = object));
  end if;
  kin := case when deep then rowseal.family(object) else array[object] end;
  return jsonb_build_object('seen', pg_current_snapshot(), 'family', to_jsonb(kin::bigint[]),
    'links', (select coalesce(jsonb_agg(i.inhrelid::bigint || '-' || i.inhparent::bigint), '[]') from pg_inherits as i
               where i.inhrelid = object or i.inhparent = object),
    'relations', (select coalesce(jsonb_agg(jsonb_build_object('oid', c.oid::bigint, 'xmax', c.xmax::text, 'name', c.relname,
          'schema', n.nspname, 'natts', c.relnatts, 'columns', a.columns, 'rights', array[c.relowner::text, c.relacl::text,
            c.relrowsecurity::text, c.relforcerowsecurity::text, case when c.relkind = 'v' then c.reloptions::text end],
          'formulas', (select jsonb_object_agg(g.attnum, d.adbin::text) from pg_attribute as g join pg_attrdef as d
              on d.adrelid = g.attrelid and d.adnum = g.attnum where g.attrelid = c.oid and g.attgenerated = 'v'))), '[]')
        from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
       cross join lateral (select jsonb_agg(jsonb_build_object('number', a.attnum, 'place', a.ctid::text,
            'is', array[a.attname::text, a.attisdropped::text], 'acl', a.attacl::text,
            'type', array[a.atttypid::text, a.atttypmod::text, a.attcollation::text, a.attgenerated::text])) as columns
          from pg_attribute as a where a.attrelid = c.oid and a.attnum > 0 and a.xmax <> 0) as a
       where c.oid = any (kin) and (c.oid = object or c.xmax <> 0 or a.columns is not null)));
end $f$;

-- What GRANT or REVOKE may have written anew: of it the server tells no more than the kind. Of tables the columns too.
create or replace function rowseal.granted_before(kind text) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $f$
declare
  catalog text := case kind when 'table' then 'pg_class' when 'sequence' then 'pg_class' when 'schema' then 'pg_namespace'
    when 'function' then 'pg_proc' when 'procedure' then 'pg_proc' when 'routine' then 'pg_proc' when 'type' then 'pg_type'
    when 'domain' then 'pg_type' end;
  acl text := case catalog when 'pg_class' then 'relacl' when 'pg_namespace' then 'nspacl' when 'pg_proc' then 'proacl' else 'typacl' end;
  rows jsonb;
begin
  if catalog is null then
    return null;
  end if;
  execute format('select coalesce(jsonb_agg(jsonb_build_object(''oid'', t.oid::bigint, ''number'', 0, ''acl'', t.%I::text, ''xmax'', t.xmax::text)), ''[]'') from pg_catalog.%I as t where t.xmax <> 0',
    acl, catalog) into rows;
  if catalog = 'pg_class' then
    rows := rows || (select coalesce(jsonb_agg(jsonb_build_object('oid', a.attrelid::bigint, 'number', a.attnum, 'acl', a.attacl::text,
      'xmax', a.xmax::text)), '[]') from pg_attribute as a where a.xmax <> 0);
  end if;
  return jsonb_build_object('catalog', catalog, 'acl', acl, 'seen', pg_current_snapshot(), 'rows', rows);
end $f$;

-- Whose rows have another text when these types change: columns of them, or of types made of them, at any depth.
create or replace function rowseal.users_of_types(types oid[]) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $f$
begin
  return (with recursive used (type, relation, number) as (
    select t.oid, 0::oid, 0 from unnest(types) as t (oid)
    union
    select case when d.classid = 'pg_type'::regclass then d.objid else c.reltype end,
           case when d.classid = 'pg_type'::regclass then 0::oid else d.objid end, d.objsubid
      from used join pg_depend as d on used.type <> 0 and d.refclassid = 'pg_type'::regclass and d.refobjid = used.type
        and (d.classid = 'pg_type'::regclass or (d.classid = 'pg_class'::regclass and d.objsubid > 0))
      left join pg_class as c on d.classid = 'pg_class'::regclass and c.oid = d.objid
  )
  select coalesce(jsonb_agg(jsonb_build_object('schema', n.nspname, 'oid', c.oid::bigint, 'effects', array['replaces'],
      'columns', u.numbers) || rowseal.named(c.relkind, c.relname)), '[]')
    from (select relation, array_agg(distinct number order by number) as numbers from used group by relation) as u
    join pg_class as c on c.oid = u.relation and c.relkind in ('r', 'p', 'f', 'm') and c.relpersistence <> 't'
    join pg_namespace as n on n.oid = c.relnamespace);
end $f$;

-- What a command did to a relation and to those that inherit from it. Null: not known.
create or replace function rowseal.relation_targets(relation oid, tag text, made boolean, before jsonb) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan as $f$
declare
  kin oid[] := case when tag like 'ALTER %' then rowseal.family(relation) else array[relation] end;
  seen pg_snapshot := (before ->> 'seen')::pg_snapshot;
  r record;
  effects text[];
  targets jsonb := '[]';
  widened oid[] := '{}';
  done oid[] := '{}';
begin
  -- In an older snapshot a partition that another transaction attached since is not seen, and the command went into it.
  if current_setting('transaction_isolation') <> 'read committed' and exists (
    select from pg_class as c where c.oid = relation and c.relhassubclass and (c.relkind <> 'p'
      or exists (select from pg_partition_tree(c.oid) as t where t.relid <> all (kin)))) then
    return null;
  end if;
  for r in
    select c.oid, c.relname, c.relkind, c.reltype, n.nspname, w.oid is null as is_new, w.name, w.schema,
        rowseal.came_later(coalesce(w.xmax, '0'), seen) as stale, a.numbers, a.widened,
        w.rights is distinct from array[c.relowner::text, c.relacl::text, c.relrowsecurity::text,
          c.relforcerowsecurity::text, case when c.relkind = 'v' then c.reloptions::text end] or a.granted as granted
      from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
      left join jsonb_to_recordset(before -> 'relations') as w (oid bigint, xmax text, name text, schema text, natts integer, columns jsonb, rights text[], formulas jsonb)
        on w.oid = c.oid::bigint
      cross join lateral (
        select array_agg(a.attnum order by a.attnum) filter (where d.named or d.typed) as numbers,
            bool_or(d.typed or a.attisdropped) filter (where d.named or d.typed) as widened, coalesce(bool_or(d.granted), false) as granted
          from pg_attribute as a
          left join jsonb_to_recordset(coalesce(nullif(w.columns, 'null'), '[]')) as b (number integer, "is" text[], type text[], acl text)
            on b.number = a.attnum
          cross join lateral (select
            case when b.number is null then false else b."is" <> array[a.attname::text, a.attisdropped::text] end,
            case when b.number is null then a.attnum > w.natts and not a.attisdropped
              else b.type <> array[a.atttypid::text, a.atttypmod::text, a.attcollation::text, a.attgenerated::text] end
              or (a.attgenerated = 'v' and (w.formulas ->> a.attnum::text) is distinct from
                (select f.adbin::text from pg_attrdef as f where f.adrelid = a.attrelid and f.adnum = a.attnum)),
            b.number is not null and b.acl is distinct from a.attacl::text) as d (named, typed, granted)
         where a.attrelid = c.oid and a.attnum > 0 and w.oid is not null and c.relkind not in ('i', 'I', 'S')) as a
     where c.relpersistence <> 't' and (c.oid = relation or w.oid is not null)
     order by c.oid <> relation, c.oid
  loop
    -- Where another transaction's version and ours both stand in an old snapshot, one is enough: it is stale.
    continue when r.oid = any (done);
    done := done || r.oid;
    if r.is_new then
      effects := array[case when not made then 'unknown' when rowseal.creates(tag) then 'creates' else 'none' end];
    elsif r.stale then
      effects := '{unknown}';
    else
      effects := array_remove(array[case when (r.name, r.schema) is distinct from (r.relname::text, r.nspname::text) then 'renames' end,
        case when r.numbers is not null then 'columns' end, case when r.granted or tag = 'SECURITY LABEL' then 'rights' end,
        case when tag = 'CREATE INDEX' then 'creates' end, case when tag = 'REFRESH MATERIALIZED VIEW' then 'replaces' end], null);
    end if;
    if effects <> '{}' or r.oid = relation then
      targets := targets || (jsonb_build_object('schema', coalesce(r.schema, r.nspname), 'oid', r.oid::bigint,
          'effects', case when effects = '{}' then '{none}' else effects end)
        || rowseal.named(r.relkind, coalesce(r.name, r.relname))
        || case when 'renames' = any (effects) then jsonb_build_object('becomes',
             (rowseal.named(r.relkind, r.relname) - 'kind') || jsonb_build_object('schema', r.nspname)) else '{}' end
        || case when 'columns' = any (effects) then jsonb_build_object('columns', r.numbers) else '{}' end);
    end if;
    if r.widened or r.stale then
      widened := widened || r.reltype;
    end if;
  end loop;
  -- Parents and children that it named, the table of an index: nothing changed in them. But a child that came meanwhile
  -- was altered unseen.
  targets := targets || (select coalesce(jsonb_agg(jsonb_build_object('schema', n.nspname, 'oid', c.oid::bigint,
        'effects', array[case when l.later then 'unknown' else 'none' end]) || rowseal.named(c.relkind, c.relname)), '[]')
    from (select x.oid, bool_or(x.later) as later from (
        select case when i.inhrelid = relation then i.inhparent else i.inhrelid end, rowseal.came_later(i.xmin::text, seen)
          from pg_inherits as i where (i.inhrelid = relation or i.inhparent = relation)
           and not before -> 'links' ? (i.inhrelid::bigint || '-' || i.inhparent::bigint)
        union select case when p.pair[1] = relation then p.pair[2] else p.pair[1] end, false
          from jsonb_array_elements_text(before -> 'links') as o (link)
          cross join lateral (select string_to_array(o.link, '-')::oid[]) as p (pair)
         where not exists (select from pg_inherits as i where i.inhrelid = p.pair[1] and i.inhparent = p.pair[2])
        union select i.inhrelid, true from pg_inherits as i
         where i.inhrelid = any (kin) and not before -> 'family' @> to_jsonb(i.inhrelid::bigint)
           and rowseal.came_later(i.xmin::text, seen)
        union select i.indrelid, false from pg_index as i where i.indexrelid = relation) as x (oid, later) group by x.oid) as l
    join pg_class as c on c.oid = l.oid and c.relpersistence <> 't' join pg_namespace as n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p', 'f', 'm'));
  return targets || case when widened = '{}' then '[]' else rowseal.users_of_types(array_remove(widened, 0::oid)) end;
end $f$;

-- What a command did to an object of any other kind, and through it to tables.
create or replace function rowseal.object_targets(catalog oid, object oid, tag text, made boolean, kind text, identity text, before jsonb) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $f$
declare
  was jsonb := nullif(before -> 'row', 'null');
  now jsonb := rowseal.catalog_row(catalog, object);
  names jsonb;
  effects text[];
begin
  if now is null then
    return jsonb_build_array(jsonb_build_object('schema', null, 'name', identity, 'kind', kind,
      'effects', array[case when rowseal.creates(tag) then 'creates' else 'unknown' end]));
  elsif was is null then
    effects := array[case when made and not rowseal.creates(tag) then 'none' else 'creates' end];
  elsif rowseal.came_later(was ->> 'xmax', (before ->> 'seen')::pg_snapshot) then
    effects := '{unknown}';
  else
    effects := array_remove(array[
      case when (was -> 'name', was -> 'schema') is distinct from (now -> 'name', now -> 'schema') then 'renames' end,
      case when (was -> 'owner', was -> 'acl') is distinct from (now -> 'owner', now -> 'acl')
             or kind = 'policy' and tag <> 'COMMENT' or tag = 'SECURITY LABEL' then 'rights' end], null);
  end if;
  was := coalesce(was, now);
  names := jsonb_build_object('schema', coalesce(was ->> 'schema', case when now -> 'relation' <> 'null' then
      (select n.nspname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace where c.oid = (now ->> 'relation')::oid) end),
    'name', coalesce(was ->> 'name', identity));
  return jsonb_build_array(names || jsonb_build_object('kind', kind, 'oid', object::bigint,
      'effects', case when effects = '{}' then '{none}' else effects end)
      || case when 'renames' = any (effects) then jsonb_build_object('becomes', jsonb_build_object(
           'schema', coalesce(nullif(now -> 'schema', 'null'), names -> 'schema'), 'name', now -> 'name')) else '{}' end)
    -- The table that it belongs to.
    || (select coalesce(jsonb_agg(jsonb_build_object('schema', n.nspname, 'oid', c.oid::bigint,
          'effects', array[case when kind = 'policy' and tag <> 'COMMENT' then 'rights' else 'none' end]) || rowseal.named(c.relkind, c.relname)), '[]')
        from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
       where c.oid = (now ->> 'relation')::oid and c.relpersistence <> 't')
    -- A schema's new name is that of its tables.
    || (select coalesce(jsonb_agg(jsonb_build_object('schema', was -> 'name', 'oid', c.oid::bigint, 'effects', array['renames'],
          'becomes', jsonb_build_object('schema', now -> 'name', 'table', c.relname)) || rowseal.named(c.relkind, c.relname) order by c.oid), '[]')
        from pg_class as c
       where catalog = 'pg_namespace'::regclass and 'renames' = any (effects) and c.relnamespace = object and c.relkind in ('r', 'p', 'f'))
    -- The labels of an enum are the text of rows that are there.
    || case when exists (select from pg_enum as e where catalog = 'pg_type'::regclass and e.enumtypid = object
                            and before -> 'labels' ->> e.oid::text <> e.enumlabel)
         then rowseal.users_of_types(array[object]) else '[]' end;
end $f$;

-- What GRANT, REVOKE and ALTER DEFAULT PRIVILEGES did: rights to what has other ones now, or to what nobody names.
create or replace function rowseal.grant_targets(kind text, before jsonb) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $f$
declare
  touched oid[] := '{}';
  acl text;
  r record;
  targets jsonb;
begin
  for r in select * from jsonb_to_recordset(before -> 'rows') as b (oid oid, number integer, acl text, xmax text)
    where not rowseal.came_later(b.xmax, (before ->> 'seen')::pg_snapshot)
  loop
    if r.number > 0 then
      acl := (select a.attacl::text from pg_attribute as a where a.attrelid = r.oid and a.attnum = r.number);
    else
      execute format('select t.%I::text from pg_catalog.%I as t where t.oid = $1', before ->> 'acl', before ->> 'catalog') into acl using r.oid;
    end if;
    if acl is distinct from r.acl and r.oid <> all (touched) then
      touched := touched || r.oid;
    end if;
  end loop;
  if before ->> 'catalog' = 'pg_class' then
    targets := (select jsonb_agg(jsonb_build_object('schema', n.nspname, 'oid', c.oid::bigint, 'effects', array['rights'])
          || rowseal.named(c.relkind, c.relname) order by c.oid)
        from pg_class as c join pg_namespace as n on n.oid = c.relnamespace where c.oid = any (touched) and c.relpersistence <> 't');
  else
    targets := (select jsonb_agg(jsonb_build_object('schema', g.row -> 'schema', 'name', g.row -> 'name', 'kind', kind, 'oid', t.oid::bigint,
          'effects', array['rights']) order by t.oid)
        from unnest(touched) as t (oid)
       cross join lateral (select rowseal.catalog_row(format('pg_catalog.%I', before ->> 'catalog')::regclass, t.oid)) as g ("row"));
  end if;
  return coalesce(targets, jsonb_build_array(jsonb_build_object('schema', null, 'name', kind, 'kind', 'privileges',
    'effects', array[case when before is null then 'rights' else 'none' end])));
end $f$;

create or replace function rowseal.on_ddl() returns event_trigger
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $f$
declare
  -- Must stay the first: CREATE INDEX CONCURRENTLY and the like leave no snapshot behind them, and evaluating anything
  -- gives the portal one. A loop over a query that finds none ends the server.
  tag text := tg_tag || '';
  targets jsonb;
  kind text;
  r record;
begin
  for r in select *, bool_or(rowseal.creates(d.command_tag)) over (partition by d.classid, d.objid) as made
     from pg_event_trigger_ddl_commands() with ordinality as d (classid, objid, objsubid, command_tag, object_type, schema_name, object_identity, in_extension, command, place)
    where left(coalesce(d.schema_name, ''), 7) <> 'pg_temp'
      and (not d.in_extension or d.object_type in ('table', 'table column', 'foreign table', 'foreign table column'))
    order by d.place
  loop
    targets := null;
    kind := lower(r.object_type);
    begin
      if r.objid is null then
        targets := rowseal.grant_targets(kind, case when r.command_tag in ('GRANT', 'REVOKE') then rowseal.granted_before(kind) end);
      elsif r.classid = 'pg_class'::regclass then
        targets := rowseal.relation_targets(r.objid, r.command_tag, r.made, rowseal.before(r.classid, r.objid, r.command_tag like 'ALTER %'));
      else
        targets := rowseal.object_targets(r.classid, r.objid, r.command_tag, r.made, kind, r.object_identity, rowseal.before(r.classid, r.objid, false));
      end if;
    exception when others then
      raise warning 'rowseal: not known what % did: %', tag, sqlerrm;
    end;
    perform rowseal.emit_ddl('ddl_command_end', r.command_tag, r.object_type, r.schema_name, r.object_identity, targets, r.in_extension);
  end loop;
end $f$;

-- What a drop did, from what the server tells of each object that it took.
create or replace function rowseal.drop_targets(kind text, schema_name text, object_name text, identity text, address text[], object oid, number integer) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $f$
declare
  own text := coalesce(object_name, address[array_upper(address, 1)], identity);
begin
  if kind like '% column' then
    return jsonb_build_array(jsonb_build_object('schema', address[1], 'oid', object::bigint, 'effects', array['columns'], 'columns', array[number])
        || rowseal.named((case kind when 'table column' then 'r' when 'foreign table column' then 'f' when 'view column' then 'v' else 'c' end)::"char", address[2]))
      || coalesce((select rowseal.users_of_types(array[c.reltype]) from pg_class as c where c.oid = object and c.reltype <> 0), '[]');
  elsif kind in ('table', 'foreign table') then
    return jsonb_build_array(jsonb_build_object('schema', schema_name, 'table', own, 'kind', kind, 'oid', object::bigint, 'effects', array['drops']));
  elsif kind in ('trigger', 'policy', 'rule', 'table constraint', 'default value', 'publication relation') then
    return jsonb_build_array(jsonb_build_object('schema', address[1], 'name', coalesce(address[3], identity), 'kind', kind, 'oid', object::bigint, 'effects', array['drops']))
      || (select coalesce(jsonb_agg(jsonb_build_object('schema', n.nspname, 'oid', c.oid::bigint,
            'effects', array[case when kind = 'policy' then 'rights' else 'none' end]) || rowseal.named(c.relkind, c.relname)), '[]')
          from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
         where n.nspname = address[1] and c.relname = address[2] and c.relpersistence <> 't');
  end if;
  return jsonb_build_array(jsonb_build_object('schema', schema_name, 'name', own, 'kind', kind, 'oid', object::bigint, 'effects', array['drops']));
end $f$;

-- A drop takes much along. Said are the objects named, and of those that go with them the ones that hold data or guard it.
create or replace function rowseal.on_drop() returns event_trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  targets jsonb;
  r record;
begin
  for r in select * from pg_event_trigger_dropped_objects() where not is_temporary
    and (original or object_type in ('schema', 'table', 'foreign table', 'view', 'materialized view', 'table column', 'foreign table column',
                                     'composite type column', 'trigger', 'policy', 'publication relation'))
  loop
    targets := null;
    begin
      targets := rowseal.drop_targets(r.object_type, r.schema_name, r.object_name, r.object_identity, r.address_names, r.objid, r.objsubid);
    exception when others then
      raise warning 'rowseal: not known what % did: %', tg_tag, sqlerrm;
    end;
    perform rowseal.emit_ddl('sql_drop', tg_tag, r.object_type, r.schema_name, r.object_identity, targets, false);
  end loop;
end $f$;

-- ALTER TABLE ... TYPE ... USING changes every row, and the stream shows none of it: this message is all there is. The
-- columns are those that the command wrote anew; a table that becomes logged or unlogged had rows that no log shows.
create or replace function rowseal.on_rewrite() returns event_trigger
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $f$
declare
  relation oid := pg_event_trigger_table_rewrite_oid();
  reason integer := pg_event_trigger_table_rewrite_reason();
  targets jsonb;
  r record;
begin
  select n.nspname, c.relname, c.relkind, c.relpersistence into r
    from pg_class as c join pg_namespace as n on n.oid = c.relnamespace where c.oid = relation;
  if r.relpersistence = 't' then
    return;
  end if;
  begin
    targets := rowseal.rewrite_targets(relation, reason, rowseal.before('pg_class'::regclass, relation, false));
  exception when others then
    raise warning 'rowseal: not known what % did: %', tg_tag, sqlerrm;
  end;
  perform rowseal.emit_ddl('table_rewrite', tg_tag, 'table', r.nspname, format('%I.%I', r.nspname, r.relname), targets, false);
end $f$;

create or replace function rowseal.rewrite_targets(relation oid, reason integer, before jsonb) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $f$
begin
  return (select jsonb_build_array(jsonb_build_object('schema', n.nspname, 'oid', c.oid::bigint,
      -- 1: logged or not, 2: a default for rows that are there, 4: types and formulas, 8 (15 and newer): the access method
      'effects', array[case when reason = 8 then 'none' else 'replaces' end])
      || case when reason & 6 <> 0 and reason & ~14 = 0 and a.numbers is not null then jsonb_build_object('columns', a.numbers) else '{}' end
      || rowseal.named(c.relkind, c.relname))
    from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
    left join jsonb_to_recordset(before -> 'relations') as w (oid bigint, natts integer, columns jsonb) on w.oid = c.oid::bigint
    cross join lateral (select array_agg(a.attnum order by a.attnum) as numbers from pg_attribute as a
      left join jsonb_to_recordset(coalesce(nullif(w.columns, 'null'), '[]')) as b (number integer, place text) on b.number = a.attnum
     where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and (b.place <> a.ctid::text or a.attnum > w.natts)) as a
   where c.oid = relation);
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
  rowseal.attaches(text, text), rowseal.emit_ddl(text, text, text, text, text, jsonb, boolean),
  rowseal.came_later(text, pg_snapshot), rowseal.family(oid), rowseal.creates(text), rowseal.named("char", text), rowseal.catalog_row(oid, oid),
  rowseal.before(oid, oid, boolean), rowseal.granted_before(text), rowseal.users_of_types(oid[]),
  rowseal.relation_targets(oid, text, boolean, jsonb),
  rowseal.object_targets(oid, oid, text, boolean, text, text, jsonb), rowseal.rewrite_targets(oid, integer, jsonb),
  rowseal.grant_targets(text, jsonb), rowseal.drop_targets(text, text, text, text, text[], oid, integer),
  rowseal.on_ddl(), rowseal.on_drop(), rowseal.on_rewrite(), rowseal.on_new_table() from public;
grant execute on function rowseal.utf8(text), rowseal.trailing_comment(text),
  rowseal.emit_ddl(text, text, text, text, text, jsonb, boolean), rowseal.came_later(text, pg_snapshot),
  rowseal.family(oid), rowseal.creates(text), rowseal.named("char", text), rowseal.catalog_row(oid, oid), rowseal.before(oid, oid, boolean),
  rowseal.granted_before(text), rowseal.users_of_types(oid[]), rowseal.relation_targets(oid, text, boolean, jsonb),
  rowseal.object_targets(oid, oid, text, boolean, text, text, jsonb), rowseal.rewrite_targets(oid, integer, jsonb), rowseal.grant_targets(text, jsonb),
  rowseal.drop_targets(text, text, text, text, text[], oid, integer) to rowseal_owner;

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
    insert into rowseal.kit (version) values (2);
  end if;
  update rowseal.kit set version = 2, public_emit = public_emit || taken where version <> 2 or taken <> '{}';
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
