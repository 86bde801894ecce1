"""Problems that are solved by writing: of mathematics, of logic, of programming."""
