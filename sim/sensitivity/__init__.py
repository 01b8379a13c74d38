"""Which inputs move an outcome, with the noise of seeds apart: Morris, Sobol directly, Sobol on an emulator."""
