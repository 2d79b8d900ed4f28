"""What tests stand on: far ends of wires, factories."""
