import assert from "node:assert/strict";
import fc from "fast-check";
import { stackFileTexts } from "../../lab/fixtures/stackFileTexts";
import { isReading, parseStackFile, rawSettings, StackFileError, stackFileText } from "../../settings/stackFile";

/** The message with which the reader refuses a text, with the line number. */
function refusalOf(text: string): string {
    try {
        parseStackFile(text);
    } catch (error) {
        assert.ok(error instanceof StackFileError, String(error));
        return error.line === undefined ? error.message : `${error.line}: ${error.message}`;
    }
    return "none";
}

const settings = (text: string) => parseStackFile(`config:\n  ${text.replaceAll("\n", "\n  ")}\n`);

describe("a stack file's reader", () => {
    it("merges blocks as the engine does: a block's own keys win, then the first merged block", () => {
        const { config } = settings(
            "sms:web: &web { a: 1, b: 1 }\nsms:beat: &beat { b: 2, c: 2 }\nsms:worker: { <<: [*web, *beat], a: 3 }\nsms:alias: *web",
        );
        assert.deepEqual(config["sms:worker"], { a: 3, b: 1, c: 2 });
        assert.deepEqual(config["sms:alias"], { a: 1, b: 1 });
    });

    it("accepts a key without the project's name, and in the engine's old form", () => {
        assert.deepEqual(settings("web: { replicas: 3 }\nsms:config:beat: {}\nalicloud:region: x").config, {
            "sms:web": { replicas: 3 },
            "sms:beat": {},
            "alicloud:region": "x",
        });
    });

    for (const [written, read] of [
        ["022", 18],
        ["0o17", 15],
        ["0x1F", 31],
        ["0b11", 3],
        ["1_000", 1000],
        ["1.10", 1.1],
        ["7.0", 7],
        ["1e3", 1000],
        [".5", 0.5],
        ["+1", 1],
        ["08", 8],
        ["9007199254740993", 9007199254740992],
        ["True", true],
        ["2026-11-29", "2026-11-29"],
        ["2026-1-2 10:20:30", "2026-01-02"],
    ] as const) {
        it(`reports that ${written} is read as another value`, () => {
            const { config, misread } = settings(`sms:env: { VALUE: ${written}, TEXT: "${written}" }`);
            assert.deepEqual(config["sms:env"], { VALUE: read, TEXT: written });
            assert.deepEqual(misread, [{ path: ["sms:env", "VALUE"], written, read }]);
        });
    }

    it("accepts values that are read as they are written", () => {
        const { config, misread } = settings("sms:env: { A: 12, B: 0.5, C: true, D: yes, E: 19:00Z, F: 10.1.0.0/24, G: -1, H: 1Gi, I: ~ }");
        const read = { A: 12, B: 0.5, C: true, D: "yes", E: "19:00Z", F: "10.1.0.0/24", G: -1, H: "1Gi", I: null };
        assert.deepEqual([config["sms:env"], misread], [read, []]);
    });

    for (const [what, text, refusal] of [
        ["settings in one line", "config: hello\n", "config isn't a block: its keys have to be indented below it"],
        ["a list of settings", "config:\n- sms:web\n", "config isn't a block: its keys have to be indented below it"],
        ["no block at all", "hello\n", "its settings aren't a block: config: with the keys indented below"],
        ["a tab", "config:\n\tsms:web: {}\n", "2: a tab at the beginning of the line"],
        ["a tab behind a dash", "config:\n  sms:a:\n  -\tx\n", "3: a tab at the beginning of the line"],
        ["a key twice", "config:\n  sms:web: {}\n  sms:web: {}\n", "3: a key that already exists"],
        ["a key twice in a block", "config:\n  sms:env: { A: 1, A: 2 }\n", "2: a key that already exists"],
        [
            "a key with and without the project's name",
            "config:\n  sms:web: {}\n  web: {}\n",
            "sms:web occurs twice, with and without its sms:",
        ],
        ["a key of three parts", "config:\n  sms:web:env: {}\n", "sms:web:env isn't a key: allowed are sms:NAME and PACKAGE:NAME"],
        ["a key that YAML reads as a number", "config:\n  sms:env: { 022: x }\n", "2: the key 022 isn't a text: put it in quotes"],
        [
            "a number without an end",
            "config:\n  sms:env: { A: .inf }\n",
            "2: .inf isn't a number that a setting can have: put it in quotes",
        ],
        [
            "a text whose first line break the engine leaves out",
            'config:\n  sms:a: "\\n b"\n',
            "2: a text of several lines begins with a space or a line break, which the engine removes",
        ],
        ["a key of two lines", 'config:\n  ? "a\\nb"\n  : 1\n', "2: a key isn't a text in one line"],
        ["a whole setting's key that is a number", "config:\n  22: x\n", "2: the key 22 isn't a text: put it in quotes"],
        ["a colon at the beginning of a text", "config:\n  sms:env: { A: :x }\n", "2: a text that begins with :: put it in quotes"],
        ["conflict markers", "config:\n<<<<<<< HEAD\n  sms:web: {}\n=======\n>>>>>>> main\n", "2: a conflict marker of git"],
        ["two documents", "config: {}\n---\nconfig: {}\n", "2: another document begins here, which the engine would ignore"],
        ["a tag", "config:\n  sms:env: { A: !!str 5 }\n", "2: a tag, !…: put the text in quotes instead"],
        ["a block that holds itself", "config:\n  sms:web: &a { b: *a }\n", "2: a block contains itself"],
        ["a merge of a text", "config:\n  sms:web: { <<: hello }\n", "2: << can merge only blocks"],
        ["an unknown anchor", "config:\n  sms:web: *nobody\n", "2: an alias, *…, without an anchor above: put the text in quotes instead"],
        ["a line break that only one reader knows", "config:\n  sms:env: { A: x\u0085y }\n", "2: a control character"],
    ] as const) {
        it(`refuses ${what}, with the line`, () => {
            assert.equal(refusalOf(text), refusal);
        });
    }

    it("doesn't show possible secrets when it refuses a file", () => {
        const written = [
            "'hunter2",
            "[hunter2",
            '"hunter2" hunter2',
            "!hunter2 x",
            "*hunter2",
            "|hunter2",
            "&hunter2 &b x",
            "]hunter2",
            '"\\xhunter2"',
        ];
        for (const text of [
            ...written.map((value) => `config:\n  sms:redisPassword: ${value}\n`),
            "hunter2\n",
            "%YAML hunter2\n---\nconfig: {}\n",
        ]) {
            assert.doesNotMatch(refusalOf(text), /hunter2|none|\bxhu/, text);
        }
    });

    it("reads a key without a value as an empty text, as the engine does", () => {
        assert.deepEqual(settings("sms:namespace:\nsms:web: ~\nsms:env: { A: }").config, {
            "sms:namespace": "",
            "sms:web": "",
            "sms:env": { A: null },
        });
    });

    it("finds nothing in an empty file", () => {
        assert.deepEqual(
            [parseStackFile("").config, parseStackFile("# nothing\n").config, parseStackFile("config:\n").config],
            [{}, {}, {}],
        );
    });

    it("returns the settings as the engine does, with the encrypted and the misread keys", () => {
        const file = settings(
            "sms:web: { replicas: 3 }\nsms:namespace: 1\nsms:secretEnv: { A: { secure: x } }\nother:b: 022\nsms:env: { A: 022 }",
        );
        assert.deepEqual(rawSettings("online", file), {
            stack: "online",
            texts: { web: '{"replicas":3}', namespace: "1", secretEnv: '{"A":{"secure":"x"}}', env: '{"A":18}' },
            encrypted: new Set(["secretEnv"]),
            misread: [{ path: ["env", "A"], written: "022", read: 18 }],
        });
    });

    it("reads a time, and a number that is too large, as the engine does", () => {
        const time = { path: [], written: "2026-1-2", read: "2026-01-02" };
        assert.ok(isReading(time, "2026-01-02 00:00:00 +0000 UTC"));
        assert.ok(!isReading(time, "2026-01-03 00:00:00 +0000 UTC"));
        assert.ok(isReading({ path: [], written: "022", read: 18 }, 18));
        assert.ok(!isReading({ path: [], written: "022", read: 18 }, undefined));
    });

    it("reads any text that it writes", () => {
        fc.assert(
            fc.property(fc.jsonValue({ stringUnit: fc.constantFrom(..."a:# -'\"\\\t\u0085\u2028\u0000é😀") }), (value) => {
                const config = { "sms:value": { value } };
                assert.deepEqual(parseStackFile(stackFileText({ config })).config, JSON.parse(JSON.stringify(config)));
            }),
        );
    });

    it("reads each file that the engine accepts", () => {
        fc.assert(fc.property(stackFileTexts(), (text) => assert.equal(refusalOf(text), "none")));
    });
});
