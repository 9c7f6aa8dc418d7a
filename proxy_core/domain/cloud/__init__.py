"""Rules of the clouds' ways to prove who asks: pure, without any cloud's library."""
