//! The store on both databases (`PATMINT_TEST_DATABASE` chooses one for the rest).
