DROP TABLE usage_addresses;
