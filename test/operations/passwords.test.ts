import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { passphraseOf } from "../../operations/passphrase";
import { generatedPassword, passphraseFault } from "../../operations/passwords";
import { missingPasswords } from "../../operations/stackInit";
import { hasPassword, namesCredential, passwordFault } from "../../settings/credentials";

const strong = "correct horse battery staple";

describe("a store's password", () => {
    it("has 8 to 32 characters of at least three kinds", () => {
        for (const good of ["Abcdefg1", "abc-1234", "ABC_1234", "a1B2c3D4".repeat(4)]) {
            assert.equal(passwordFault(good), undefined, good);
        }
        for (const bad of ["", "Abcdef1", "abcdefgh", "abcdefg1", "12345678", "Abcdefg1 ", "Abcdefg1ä", "a1B2c3D4".repeat(5)]) {
            assert.match(String(passwordFault(bad)), /8 to 32 characters/, bad);
        }
    });

    it("is generated so that a store, a URL and a shell accept it, and never twice", () => {
        const made = Array.from({ length: 1000 }, generatedPassword);
        for (const password of made) {
            assert.equal(passwordFault(password), undefined);
            assert.match(password, /^[A-Za-z0-9_][\w-]{23}$/);
            assert.equal(encodeURIComponent(password), password);
        }
        assert.equal(new Set(made).size, made.length);
    });

    it("is generated if the file requires one, and not for an existing store", () => {
        const config = { "sms:redis": { kind: "cluster", image: "redis:7.0" }, "sms:mongo": { kind: "external" } };
        assert.deepEqual(missingPasswords("test", config), ["sms:redisPassword"]);
        assert.deepEqual(missingPasswords("test", { ...config, "sms:redisPassword": { secure: "v1:abc" } }), []);
    });
});

describe("a credential", () => {
    it("is recognised by its name and by its address", () => {
        assert.deepEqual(["REDIS_PASSWORD", "API_KEY", "MONKEY", "--token"].map(namesCredential), [true, true, false, true]);
        assert.deepEqual(["redis://:x@h/0", "https://example.com/a:b@c", "redis://h:6379/0"].map(hasPassword), [true, false, false]);
    });
});

describe("the passphrase", () => {
    it("is refused if it protects nothing", () => {
        assert.equal(passphraseFault(strong), undefined);
        for (const weak of ["", "short", "aaaaaaaaaaaaaaaaaaaaaaaa", ` ${strong}`, `${strong}\n`]) {
            assert.notEqual(passphraseFault(weak), undefined, weak);
        }
    });

    it("comes from the environment, or from a file without its last line break", async () => {
        const folder = mkdtempSync(join(tmpdir(), "sms-passphrase-"));
        const file = join(folder, "passphrase");
        writeFileSync(file, `${strong}\n`);
        assert.equal(await passphraseOf(true, { PULUMI_CONFIG_PASSPHRASE: strong }), strong);
        assert.equal(await passphraseOf(true, { PULUMI_CONFIG_PASSPHRASE_FILE: file }), strong);
        rmSync(folder, { recursive: true });
    });

    it("must be strong if it is new; an existing one is accepted", async () => {
        await assert.rejects(passphraseOf(true, { PULUMI_CONFIG_PASSPHRASE: "" }), /is too weak: it is empty/);
        await assert.rejects(passphraseOf(true, { PULUMI_CONFIG_PASSPHRASE: "weak" }), /fewer than 16/);
        assert.equal(await passphraseOf(false, { PULUMI_CONFIG_PASSPHRASE: "weak" }), "weak");
    });
});
