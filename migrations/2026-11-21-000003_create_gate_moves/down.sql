DROP TABLE gate_moves;
DROP INDEX model_gates_by_name;
ALTER TABLE model_gates DROP COLUMN model_name;
