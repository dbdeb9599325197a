"""The wire protocol of popsense: packets, framing, and layouts derived from them. No I/O."""
