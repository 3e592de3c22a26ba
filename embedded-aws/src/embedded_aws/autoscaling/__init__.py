"""Application Auto Scaling, ours: variants of endpoints that really grow and shrink."""
