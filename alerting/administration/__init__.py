"""How alarms travel, as administrators set it: ladders, silences, and the channels' providers."""
