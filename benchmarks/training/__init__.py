"""How good the shipped models become on real data, beside what others would try first."""
