-- rowseal kit: takes everything back. Stop the daemon first; `rowseal setup --uninstall` drops our triggers and then runs
-- this file. By hand, drop the triggers first:
--   SELECT CONCAT('DROP TRIGGER `', TRIGGER_SCHEMA, '`.`', TRIGGER_NAME, '`;') FROM information_schema.TRIGGERS
--    WHERE DEFINER = 'rowseal_owner@localhost';
-- and afterwards the capture account, where the kit made it (rowseal.made says so):  DROP USER 'rowseal'@'%';
--
-- Removes the schema `rowseal` and rowseal_owner; grants on set_context go with it. Applications that still call it fail
-- from then on. May be run again.
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

DROP DATABASE IF EXISTS rowseal;
DROP USER IF EXISTS rowseal_owner@localhost;
