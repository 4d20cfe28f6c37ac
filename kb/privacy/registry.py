"""What every column of every table knows about people, and what becomes of it when somebody is forgotten.

A new table is one entry here; a test fails for a column that stands in none of the lists, or in two.
"""

from dataclasses import dataclass, fields
from typing import Final

from schemas.messages import N_


@dataclass(frozen=True)
class Knows:
    """One table. Each list is names of columns with blanks between. What names a person holds an account's id."""

    #: What the table is called in somebody's export.
    title: str = ""
    #: Names the person whose row it is. The row goes with them, and all of it is in their export.
    row: str = ""
    #: Says something about that person.
    theirs: str = ""
    #: The same, but in no export: a password's hash would help nobody but a thief.
    sealed: str = ""
    #: The id of a record about them: the row goes with it.
    about: str = ""
    #: Names a person in a row that is not theirs: emptied.
    blank: str = ""
    #: The same, but replaced by a token that stands for nobody: what one person did can still be told from what others did.
    coded: str = ""
    #: The name, the address or the id that somebody signed with: emptied.
    signed: str = ""
    #: Text or JSON that may name them: what does is taken out, the rest stays.
    scrub: str = ""
    #: Text that may name them: then the row goes.
    mention: str = ""
    #: Written anew from a record whenever that changes, and gone when it goes.
    derived: str = ""
    #: Says nothing about anybody.
    none: str = ""

    def columns(self, *kinds: str) -> list[str]:
        """The columns of these lists; of all lists, if none is named."""
        names = kinds or tuple(field.name for field in fields(self) if field.name != "title")
        return [column for name in names for column in getattr(self, name).split()]


REGISTRY: Final[dict[str, Knows]] = {
    "accounts": Knows(
        N_("Your account"),
        row="id",
        theirs="email name language state created_at",
        sealed="password totp_key totp_step",
    ),
    "account_roles": Knows(N_("Your roles"), row="account_id", theirs="role organisation_id"),
    "account_sessions": Knows(
        N_("Where you are signed in"),
        row="account_id",
        theirs="id strong browser created_at seen_at",
        sealed="token_hash",
    ),
    "account_codes": Knows(
        N_("Links that were mailed to you"),
        row="account_id",
        theirs="purpose data expires_at",
        sealed="token_hash",
    ),
    "account_recovery_codes": Knows(N_("Your recovery codes"), row="account_id", sealed="code_hash"),
    "account_api_tokens": Knows(
        N_("Your API tokens"),
        row="account_id",
        theirs="id name scopes strong created_at expires_at used_at",
        sealed="token_hash",
    ),
    "audit": Knows(
        N_("What you did, as the audit log has it"), coded="actor subject", scrub="detail", none="id at action"
    ),
    "mails": Knows(
        N_("Mail to you"), mention="recipient key subject text", none="id created_at due_at attempts sent_at"
    ),
    "site": Knows(scrub="data", none="name"),
    "drafts": Knows(
        N_("Your drafts"),
        row="owner_id",
        theirs="id record_id base_revision type language stage version due_on publish_at created_at updated_at submitted_at",
        blank="saved_by assignee_id approved_by",
        scrub="data",
    ),
    "draft_translations": Knows(none="draft_id language"),
    "draft_comments": Knows(
        N_("Your comments on drafts"),
        row="author_id",
        theirs="id draft_id field answers_id is_request created_at settled_at",
        blank="settled_by",
        scrub="text",
    ),
    "profiles": Knows(N_("Your expert profile"), row="account_id", theirs="record_id state note asked_at"),
    "profile_upkeep": Knows(about="record_id", none="absence asked link_hash link_until"),
    "profile_proofs": Knows(
        N_("What you confirmed or refused about experts"),
        about="expert_id",
        blank="decided_by",
        none="record_id state part asked_at decided_at",
    ),
    "draft_invitations": Knows(
        N_("Invitations to write a draft"),
        row="invited_by",
        theirs="id draft_id created_at expires_at",
        mention="email",
        sealed="token_hash",
    ),
    "uploads": Knows(
        N_("Files that you uploaded"),
        blank="account_id",
        none="id draft_id record_id media_type files bytes created_at",
    ),
    "draft_authors": Knows(N_("Drafts that you write with others"), row="account_id", theirs="draft_id"),
    "record_owners": Knows(N_("Records that are yours"), row="account_id", theirs="record_id"),
    "records": Knows(
        scrub="data", none="id type status language revision text_revision created_at updated_at published_at"
    ),
    "revisions": Knows(
        N_("Changes that you published"), signed="author", scrub="comment data", none="record_id number at"
    ),
    "translations": Knows(
        N_("Translations by you"), signed="translator", none="record_id language source_revision machine updated_at"
    ),
    "links": Knows(derived="source_id position relation target_id"),
    "lookups": Knows(derived="record_id type city_id dated x y z facets names place text"),
    "index_jobs": Knows(none="id record_id created_at"),
    "refusals": Knows(none="record_id reason at"),
    # Addresses of published records; keys of limits are hashes.
    "link_checks": Knows(derived="key url host due_at checked_at status reason failures failing_since", none="fine"),
    "link_places": Knows(derived="record_id key"),
    "link_scans": Knows(derived="record_id revision"),
    "limits": Knows(none="key ends_at count"),
    "leases": Knows(none="name holder held_until token"),
    "work": Knows(none="name holder done total started_at seen_at finished_at error"),
    "rounds": Knows(none="name begun_at"),
    # What somebody wrote is taken out by kb/messages/personal.py before the rows are looked through.
    "message_threads": Knows(scrub="subject", none="id record_id reach started_at last_at told_at"),
    "message_members": Knows(N_("Your conversations"), row="account_id", theirs="thread_id side archived"),
    "messages": Knows(N_("Messages that you wrote"), row="author_id", theirs="id thread_id side sent_at", scrub="text"),
    "message_deliveries": Knows(N_("Messages that you got"), row="account_id", theirs="message_id read"),
    "message_guests": Knows(
        N_("Conversations by mail, without an account"), mention="email name", none="thread_id language"
    ),
    "message_links": Knows(none="token_hash thread_id expires_at"),
    "message_refusals": Knows(none="address_hash at"),
    "message_blocks": Knows(
        N_("People whom you blocked"),
        row="account_id",
        theirs="at",
        sealed="blocked_id",  # whom they blocked is that person's affair, too
    ),
    "message_reports": Knows(
        N_("Messages that you reported"),
        row="reporter_id",
        theirs="id message_id reason at outcome closed_at",
        blank="reader_id",
        scrub="note",
    ),
    "message_settings": Knows(N_("What you set for messages"), row="account_id", theirs="by_mail may_write"),
    "erasure_requests": Knows(N_("Your wish to be forgotten"), row="account_id", theirs="created_at due_at"),
    "erasures": Knows(none="digest at swept_at indexed_at"),
    "tag_cases": Knows(
        N_("Cases that you were to tag"),
        blank="assignee_id",
        derived="record_id revision type language region country city_id year stage disputed stale text_key decided_key "
        "suggestion_id open confidence waiting marker goals title since decided_at",
        none="due_on",
    ),
    "tag_suggestions": Knows(scrub="result", none="id record_id text_key model at vector"),
    "tag_decisions": Knows(
        N_("Your decisions on tags"),
        coded="account_id",
        scrub="before after comment",
        none="id record_id kind key code action revision suggestion_id model confidence at text_key follows_id undone_by",
    ),
    "tag_bulks": Knows(
        N_("Suggested tags that you accepted in bulk"),
        coded="account_id undone_by",
        scrub="comment",
        none="id begun_at rule seed stage accepted_at undone_at",
    ),
    "tag_bulk_items": Knows(
        none="bulk_id position record_id key confidence suggestion_id seen sample is_right outcome reason decision_id"
    ),
    "tag_disputes": Knows(
        N_("Tags that you disputed"),
        coded="raised_by",
        scrub="tag reason",
        none="id record_id kind key raised_at outcome closed_at",
    ),
    "tag_verdicts": Knows(
        N_("What you said of disputed tags"), coded="account_id", scrub="comment", none="dispute_id verdict code at"
    ),
    "tag_samples": Knows(N_("Samples that you drew"), coded="drawn_by", scrub="name", none="id drawn_at rule"),
    "tag_sample_records": Knows(none="sample_id record_id position"),
    "tag_readings": Knows(N_("How you tagged samples"), coded="account_id", none="sample_id record_id tags at"),
    "tag_learnt": Knows(none="version base fitted_at decisions records last_decision_id offsets report active"),
    "tag_switches": Knows(
        N_("Versions of tagging that you switched on"), coded="account_id", scrub="comment", none="id version at"
    ),
}
