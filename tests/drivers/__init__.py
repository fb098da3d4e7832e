"""Programs that send one mail for each line of their input through a real library, as an application would."""
