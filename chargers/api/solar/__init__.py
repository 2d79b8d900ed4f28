"""SolarNetwork's APIs to chargers, one module per noun."""
