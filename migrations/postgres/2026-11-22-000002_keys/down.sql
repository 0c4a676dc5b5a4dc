ALTER TABLE sealed_keys DROP COLUMN withdrawn_at;
ALTER TABLE sealed_keys DROP COLUMN created_seq;
ALTER TABLE list_head DROP COLUMN keys_seq;
