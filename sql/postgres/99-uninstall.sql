-- rowseal kit: takes everything back. Stop the daemon first; `rowseal setup --uninstall` runs this file.
--
--   psql -v ON_ERROR_STOP=1 -v publication=rowseal -v slot=rowseal -v capture_role=rowseal -f 99-uninstall.sql
--
-- Removes our triggers, event triggers, functions and schema, gives PUBLIC back the EXECUTE that part 1 took, sets
-- replica identities back to what they were, and drops the publication, the slot, and the roles that part 1 and 2
-- made, where they own nothing (in another database of the cluster, say). May be run again.

begin;
set local lock_timeout = '5s';
set local search_path = pg_catalog, pg_temp;
set local client_min_messages = warning;
select set_config('rowseal.publication', :'publication', true) as publication,
       set_config('rowseal.slot', :'slot', true) as slot,
       set_config('rowseal.capture_role', :'capture_role', true) as capture_role;

do $do$
declare
  r record;
begin
  if exists (select from pg_replication_slots where slot_name = current_setting('rowseal.slot') and active) then
    raise exception 'rowseal: slot % is in use', current_setting('rowseal.slot') using errcode = '55006', hint = 'Stop the daemon first.';
  end if;
  for r in select evtname from pg_event_trigger where evtname in ('rowseal_attach', 'rowseal_ddl', 'rowseal_drop', 'rowseal_rewrite') loop
    execute format('drop event trigger %I', r.evtname);
  end loop;
  -- Out of the publication first: a table back at its old identity must not be published any more.
  if exists (select from pg_publication where pubname = current_setting('rowseal.publication')) then
    execute format('drop publication %I', current_setting('rowseal.publication'));
  end if;
  if to_regclass('rowseal.kit') is null then
    return;
  end if;
  for r in select t.tgrelid::regclass as place, t.tgname from pg_trigger as t
     where t.tgfoid = to_regprocedure('rowseal.emit_session()') and not t.tgisinternal loop
    execute format('drop trigger %I on %s', r.tgname, r.place);
  end loop;
  for r in select c.oid::regclass as place, i.was, i.index from rowseal.replica_identity as i
     join pg_class as c on c.oid = i.relation and c.relreplident = 'f' -- somebody changed it since: theirs stays
     where i.was <> 'i' or exists (select from pg_index as x join pg_class as n on n.oid = x.indexrelid
                                    where x.indrelid = c.oid and n.relname = i.index and x.indisvalid) loop
    execute format('alter table only %s replica identity %s', r.place,
      case r.was when 'd' then 'default' when 'n' then 'nothing' else format('using index %I', r.index) end);
  end loop;
  for r in select p.name::regprocedure as name from rowseal.kit, unnest(public_emit) as p (name)
     where to_regprocedure(p.name) is not null loop
    execute format('grant execute on function %s to public', r.name);
  end loop;
  if exists (select from pg_roles where rolname = 'rowseal_owner') then
    for r in select oid::regprocedure as name from pg_proc
       where proname = 'pg_logical_emit_message' and pronamespace = 'pg_catalog'::regnamespace loop
      execute format('revoke execute on function %s from rowseal_owner', r.name);
    end loop;
  end if;
  drop schema rowseal cascade;
end $do$;

-- Roles belong to the whole cluster: only those that the kit made (their comment says so) and that nothing needs.
do $do$
declare
  r record;
begin
  for r in select rolname from pg_roles
     where (rolname = current_setting('rowseal.capture_role') or rolname = 'rowseal_owner')
       and shobj_description(oid, 'pg_authid') like 'rowseal: %'
       and not exists (select from pg_shdepend where refobjid = pg_roles.oid and refclassid = 'pg_authid'::regclass and deptype = 'o') loop
    begin
      execute format('drop owned by %I', r.rolname); -- owns nothing: this takes its grants back
      execute format('drop role %I', r.rolname);
    exception when dependent_objects_still_exist then
      raise warning 'rowseal: role % stays, another database still needs it', r.rolname;
    end;
  end loop;
  -- Last, for it can't be rolled back.
  perform pg_drop_replication_slot(slot_name) from pg_replication_slots
    where slot_name = current_setting('rowseal.slot') and database = current_database();
end $do$;
commit;
