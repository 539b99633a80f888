"""Signatures, chains and keys: what is proved, and that nothing else is (B-01, G-04)."""

import base64
import json

import nkeys
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from services.wire import proof
from services.wire.proof import GENESIS, Link, ProofError, examine

KEY = SigningKey(b"k" * 32)
PUBLIC = bytes(KEY.verify_key)
STRANGER = bytes(SigningKey(b"s" * 32).verify_key)
RECORD = json.dumps({"seq": 1, "memo": "Prüfung – €", "minutes": [[1, 2, 3, 4, "work", 0]]}, ensure_ascii=False)


def opened(body: bytes, public: bytes = PUBLIC) -> tuple[str, str]:
    envelope = json.loads(body)
    proof.check(public, proof.SEGMENT_DOMAIN, envelope["record"].encode(), envelope["signature"])
    return envelope["record"], envelope["detail"]


@given(st.text(), st.text())
def test_what_is_sealed_opens_verbatim(record: str, detail: str) -> None:
    assert opened(proof.seal_record(KEY, record, detail)) == (record, detail)


def test_another_key_opens_nothing() -> None:
    with pytest.raises(ProofError):
        opened(proof.seal_record(KEY, RECORD, "{}"), STRANGER)


def test_every_change_of_a_byte_is_refused() -> None:
    """Every bit of every byte of the record, and of the signature."""
    payload, signature = RECORD.encode(), proof.sign(KEY, proof.SEGMENT_DOMAIN, RECORD.encode())
    raw = base64.b64decode(signature)
    proof.check(PUBLIC, proof.SEGMENT_DOMAIN, payload, signature)
    for index in range(len(payload)):
        for bit in range(8):
            changed = payload[:index] + bytes([payload[index] ^ 1 << bit]) + payload[index + 1 :]
            with pytest.raises(ProofError):
                proof.check(PUBLIC, proof.SEGMENT_DOMAIN, changed, signature)
    for index in range(len(raw)):
        changed = raw[:index] + bytes([raw[index] ^ 1]) + raw[index + 1 :]
        with pytest.raises(ProofError):
            proof.check(PUBLIC, proof.SEGMENT_DOMAIN, payload, base64.b64encode(changed).decode())


def test_spare_bits_of_base64_are_no_second_way_to_write_a_signature() -> None:
    signature = proof.sign(KEY, proof.SEGMENT_DOMAIN, b"x")
    twin = signature[:-3] + chr(ord(signature[-3]) + 1) + "=="
    assert base64.b64decode(twin) == base64.b64decode(signature)
    with pytest.raises(ProofError):
        proof.check(PUBLIC, proof.SEGMENT_DOMAIN, b"x", twin)


@pytest.mark.parametrize("cut", [-1, 1])
def test_a_byte_more_or_less_is_refused(cut: int) -> None:
    signature = proof.sign(KEY, proof.SEGMENT_DOMAIN, b"record")
    with pytest.raises(ProofError):
        proof.check(PUBLIC, proof.SEGMENT_DOMAIN, b"record"[:cut] if cut < 0 else b"record ", signature)


DOMAINS = [value for name, value in vars(proof).items() if name.endswith("_DOMAIN")]


@pytest.mark.parametrize("signed", DOMAINS)
@pytest.mark.parametrize("asked", DOMAINS)
def test_a_signature_for_one_kind_of_message_is_none_for_another(signed: bytes, asked: bytes) -> None:
    signature = proof.sign(KEY, signed, b"x")
    if signed == asked:
        proof.check(PUBLIC, asked, b"x", signature)
        return
    with pytest.raises(ProofError):
        proof.check(PUBLIC, asked, b"x", signature)


def test_no_domain_begins_another() -> None:
    """Else a message could be cut so that one kind passes for the other."""
    assert len(DOMAINS) >= 5
    assert not any(one != other and one.startswith(other) for one in DOMAINS for other in DOMAINS)


@given(st.text() | st.binary().map(lambda raw: base64.b64encode(raw).decode()))
def test_what_is_no_signature_is_refused_and_never_raises_otherwise(signature: str) -> None:
    with pytest.raises(ProofError):
        proof.check(PUBLIC, proof.SEGMENT_DOMAIN, b"record", signature)


# chains -------------------------------------------------------------------------------------------------------------


def chain(length: int, salt: str = "") -> list[Link]:
    links, prev = [], GENESIS
    for seq in range(1, length + 1):
        one = proof.digest(f"{salt}{seq}")
        links.append(Link(seq, one, prev))
        prev = one
    return links


@given(st.integers(0, 30), st.randoms(), st.integers(1, 3))
def test_a_whole_chain_is_whole_in_any_order_and_however_often(length: int, chance, times: int) -> None:  # type: ignore[no-untyped-def]
    links = chain(length) * times
    chance.shuffle(links)
    found = examine(links)
    assert found.whole
    assert (found.records, found.through) == (length, length)


@given(st.sets(st.integers(1, 30), min_size=1), st.randoms())
def test_what_is_missing_is_named_in_ranges(present: set[int], chance) -> None:  # type: ignore[no-untyped-def]
    """B-02: ``0 gaps`` is a statement. Nothing after the last seq is known to be missing."""
    links = [link for link in chain(30) if link.seq in present]
    chance.shuffle(links)
    found = examine(links)
    missing = {seq for first, last in found.missing for seq in range(first, last + 1)}
    assert missing == set(range(1, max(present))) - present
    assert (found.broken, found.records, found.through) == ((), len(present), max(present))


@given(st.integers(2, 20), st.data())
def test_a_changed_record_breaks_the_link_after_it(length: int, data: st.DataObject) -> None:
    links = chain(length)
    at = data.draw(st.integers(0, length - 2))
    links[at] = Link(links[at].seq, proof.digest("forged"), links[at].prev)
    assert examine(links).broken == (links[at].seq + 1,)


@given(st.integers(1, 20), st.data())
def test_a_fork_is_broken_at_every_seq_that_stands_twice(length: int, data: st.DataObject) -> None:
    """A cloned device: two chains under one key."""
    own = chain(length)
    fork = data.draw(st.integers(1, length))
    other = [Link(link.seq, proof.digest(f"clone{link.seq}"), link.prev) for link in own[fork - 1 :]]
    found = examine([*own, *other])
    assert set(found.broken) >= {link.seq for link in other}
    assert min(found.broken) == fork
    assert found.records == length


def test_a_first_record_that_names_another_before_it_is_broken() -> None:
    assert examine([Link(1, "h", "f" * 64)]).broken == (1,)


# notices ------------------------------------------------------------------------------------------------------------


def test_a_notice_is_for_one_device_of_one_workspace() -> None:
    message = {"workspace": "ws", "device": "dev", "through": 4, "über": "ü"}
    body = proof.seal_notice(KEY, message)
    assert proof.open_notice(PUBLIC, body, "ws", "dev") == message
    for public, workspace, device in ((STRANGER, "ws", "dev"), (PUBLIC, "ws2", "dev"), (PUBLIC, "ws", "dev2")):
        with pytest.raises(ProofError):
            proof.open_notice(public, body, workspace, device)


@given(
    st.binary()
    | st.sampled_from([b"{}", b"[]", b"1", b'{"message":1,"signature":2}', b'{"message":"{}","signature":""}'])
)
def test_what_is_no_notice_is_refused(body: bytes) -> None:
    with pytest.raises(ProofError):
        proof.open_notice(PUBLIC, body, "ws", "dev")


def test_a_signed_text_that_is_no_object_is_no_notice() -> None:
    text = '["ws","dev"]'
    body = json.dumps({"message": text, "signature": proof.sign(KEY, proof.NOTICE_DOMAIN, text.encode())}).encode()
    with pytest.raises(ProofError):
        proof.open_notice(PUBLIC, body, "ws", "dev")


# keys ---------------------------------------------------------------------------------------------------------------


@given(st.binary(min_size=32, max_size=32))
@settings(max_examples=50)
def test_a_key_is_the_same_nkey_that_the_bus_knows(seed: bytes) -> None:
    public = bytes(SigningKey(seed).verify_key)
    theirs = nkeys.from_seed(nkeys.encode_seed(seed, nkeys.PREFIX_BYTE_USER))
    assert proof.user_nkey(public) == bytes(theirs.public_key).decode()
    assert proof.read_public_key(proof.user_nkey(public)) == public
    assert proof.read_public_key(base64.b64encode(public).decode()) == public


def test_a_misspelt_nkey_is_refused() -> None:
    """Its checksum finds every change of a letter."""
    good = proof.user_nkey(PUBLIC)
    for index in range(len(good)):
        for letter in "A7" if good[index] not in "A7" else "BC":
            with pytest.raises(ProofError):
                proof.read_public_key(good[:index] + letter + good[index + 1 :])


@given(st.text(max_size=80))
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ProofError):
        proof.read_public_key(text)


def test_an_account_key_is_no_user_key() -> None:
    account = nkeys.from_seed(nkeys.encode_seed(b"k" * 32, nkeys.PREFIX_BYTE_ACCOUNT))
    with pytest.raises(ProofError):
        proof.read_public_key(bytes(account.public_key).decode())


@given(st.from_regex(rb"[A-Za-z0-9_-]{1,64}", fullmatch=True))
@settings(max_examples=30)
def test_a_nonce_is_signed_as_the_bus_checks_it(nonce: bytes) -> None:
    KEY.verify_key.verify(nonce, base64.b64decode(proof.sign_nonce(KEY, nonce)))


@pytest.mark.parametrize(
    "nonce",
    [b"", b"x" * 65, b"has space", b"daybook/segment/v1\0{}", b"abc\n", b"a.b", "ü".encode(), b'{"seq":1}'],
)
def test_what_is_no_nonce_is_never_signed(nonce: bytes) -> None:
    """The bus must not be able to make a device sign a record."""
    with pytest.raises(ProofError):
        proof.sign_nonce(KEY, nonce)


def test_possession_is_proved_of_the_key_as_it_is_written() -> None:
    written = proof.user_nkey(PUBLIC)
    proof.check(PUBLIC, proof.ACTIVATION_DOMAIN, written.encode(), proof.prove_possession(KEY, written))
