"""From an unknown table to rows that may leave the house, step by step.

Cells begin with `# %%`, so that editors and Jupyter open this file as a notebook; it also runs from top to bottom:

    python examples/walkthrough.py [FOLDER]
"""

# %% [markdown]
# # Order lines of a shop
# Several rows belong to one customer, some columns follow from others, and two hold identifiers. Such a table is where
# naive synthesis breaks: totals that do not add up, products under the wrong code, customers scattered over countries.

# %%
from __future__ import annotations

import sys
from pathlib import Path

import tabsynth as ts

ROOT = Path(__file__).parents[1]
FOLDER = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "out" / "walkthrough"
FOLDER.mkdir(parents=True, exist_ok=True)
table = ts.read_table(ROOT / "examples" / "transactions.csv")
print(f"{len(table)} lines of {table['customer_id'].nunique()} customers")

# %% [markdown]
# ## 1. A schema: proposed, then decided
# `infer` proposes one and marks what it read from the data. Where it could not decide, the column has a question.

# %%
proposed = ts.infer(table, name="transactions")
for _, name, column in proposed.walk():
    print(f"{name:15} {column.type:12} {column.question or ''}")
ts.save_schema(proposed, FOLDER / "proposed.yaml")

# %% [markdown]
# A person decides. The finished file declares what the proposal cannot know: the customer is the unit to protect, a
# code is one product, the amount is computed, a return has a negative quantity.

# %%
schema = ts.load_schema(ROOT / "schemas" / "transactions.yaml")
validation = ts.validate(table, schema)
print("the table keeps its schema" if validation.ok else [violation.message for violation in validation.violations])

# %% [markdown]
# ## 2. Keep whole customers apart
# Lines of one customer resemble each other. Half of them in each part would flatter every comparison.

# %%
customers = table["customer_id"].drop_duplicates()
apart = customers.iloc[::5]
holdout = table[table["customer_id"].isin(apart)]
train = table[~table["customer_id"].isin(apart)]

# %% [markdown]
# ## 3. Learn, draw, check
# Every synthetic row keeps every rule, by construction or by another draw.

# %%
model = ts.Copula().fit(train, schema, seed=1)
rows = model.sample(len(train), seed=2)
returned = rows["returned"] == "Yes"
print(f"rules kept: {ts.validate(rows, schema).ok}")
print(f"returns: {returned.mean():.1%}, of the real lines {(train['returned'] == 'Yes').mean():.1%}")
print(f"customers who are also in the real table: {len(set(rows['customer_id']) & set(table['customer_id']))}")

# %% [markdown]
# ## 4. A question to the model
# What would a French customer send back? Exactly as many rows as asked for, or an error that says why not.

# %%
print(model.sample(5, seed=3, given={"country": "France", "returned": "Yes"}).to_string())

# %% [markdown]
# ## 5. Evidence
# Each score stands beside the same score of real rows that the model never saw.

# %%
report = ts.evaluate(train=train, holdout=holdout, synthetic=rows, schema=schema)
report.save(FOLDER / "report.html")
ts.write_table(rows, FOLDER / "synthetic.csv")
print(f"Report: {FOLDER / 'report.html'}")
