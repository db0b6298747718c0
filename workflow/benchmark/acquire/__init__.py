"""Everything that reaches the network: downloads, archives, package indexes, the trunks of LPIPS."""
