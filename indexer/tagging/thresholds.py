"""Where a probability becomes a suggestion: fixed here, with the reasons, and nowhere else."""

from typing import Final

#: A logit above this is suggested. The fusion is fitted at the rate at which goals come in our own examples, with twenty times
#: as many texts of no goal, and then made more generous (``training.GENEROUS``, which says why).
SUGGESTED: Final = 0.0
#: A logit above this is strong: 96 of 100 are right on the partners' projects, 99 on the everyday set, where half are relevant.
STRONG: Final = 3.0
#: A gender theme above this logit is suggested. Their logits are made for themes as frequent as their absence; in texts on gender
#: each is about one in ten.
THEME: Final = 1.5
#: The marker is proposed as more than 0 above this logit of "equality is an aim", and as 2 above this of "the main reason".
OBJECTIVE: Final = 0.0
PRINCIPAL: Final = 0.0
#: Probability of the marker's value from which it is shown as a proposal.
MARKER: Final = 0.6
#: Probability from which a criterion is answered beforehand; below it the question is left open. With authors held out, .77 of
#: the answers were right from .6 on, and four in five are asked for.
ANSWER: Final = 0.65
#: Targets of a goal that are named.
TARGETS: Final = 3
#: Passages for and against the marker that are shown, each.
PASSAGES: Final = 3
#: Terms of one passage that are shown.
TERMS: Final = 8
