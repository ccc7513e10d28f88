-- rowseal kit: takes everything back. Stop the daemon first; `rowseal setup --uninstall` drops our triggers and then runs
-- this file. By hand, drop the triggers first:
--   SELECT CONCAT('DROP TRIGGER `', TRIGGER_SCHEMA, '`.`', TRIGGER_NAME, '`;') FROM information_schema.TRIGGERS
--    WHERE DEFINER = 'rowseal_owner@localhost';
-- and afterwards the capture account, where the kit made it (rowseal.made says so):  DROP USER 'rowseal'@'%';
--
-- Removes the schema `rowseal` and rowseal_owner. Applications that still call set_context fail from then on. May be run
-- again.
SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION';
SET SESSION lock_wait_timeout = 5;

CREATE DATABASE IF NOT EXISTS rowseal;
DROP PROCEDURE IF EXISTS rowseal.refuse_while_attached;
DELIMITER //
CREATE PROCEDURE rowseal.refuse_while_attached()
READS SQL DATA SQL SECURITY INVOKER
BEGIN
  IF EXISTS (SELECT 1 FROM information_schema.TRIGGERS WHERE DEFINER = 'rowseal_owner@localhost') THEN
    SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 1644,
      MESSAGE_TEXT = 'rowseal: triggers of ours are left: without the schema, writes to their tables would fail';
  END IF;
END//
DELIMITER ;
CALL rowseal.refuse_while_attached();

-- One by one, for that takes away what was granted on them, too (automatic_sp_privileges); DROP DATABASE would leave it.
DROP PROCEDURE IF EXISTS rowseal.set_context;
DROP PROCEDURE IF EXISTS rowseal.emit_session;
DROP PROCEDURE IF EXISTS rowseal.emit;
DROP PROCEDURE IF EXISTS rowseal.inventory;
DROP DATABASE IF EXISTS rowseal;
DROP USER IF EXISTS rowseal_owner@localhost;
