"""The part that acts: takes commands, spends the budgets, observes, folds, enforces deadlines and publishes news."""
