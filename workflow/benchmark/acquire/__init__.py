"""All code that uses the network: downloads, archives, package indexes, the trunks of LPIPS."""
