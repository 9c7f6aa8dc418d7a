"""What the console says, in English, a module a part of it: ready for translation."""
