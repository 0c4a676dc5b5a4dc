DROP INDEX credentials_rotated_from;
