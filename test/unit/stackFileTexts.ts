import fc from "fast-check";

/** Scalars without quotes that readers of YAML take for different things. */
export const trickyScalars = [
    ..."022 0o17 0O17 0x1F 0X1f 0b11 0B1 0b2 0xg 0o8 08 09 00 -012 +1 -0 -1 0 12 1_000 1__0 1_ 0x_1 0_7 _1 1e3 1E3 1e-7 1e21 1e400".split(
        " ",
    ),
    ...".5 5. -.5 +.5 1.0 1.10 0.1 3.14 1.e5 1e 1.5e3 .e3 - -- -a .a ..".split(" ").filter((text) => text !== "-"),
    ..."9007199254740991 9007199254740992 -9007199254740993 18446744073709551615 18446744073709551616 99999999999999999999999".split(" "),
    ..."2026-11-29 2026-1-2 2026-13-01 2026-02-30 2026-02-3 226-1-1 2026-11-29T10:20:30Z 2026-11-29t1:2:3.5+08:00 2026-11-29T24:00:00Z".split(
        " ",
    ),
    ..."19:00Z 190:20:30 1:30 10.1.0.0/24 1Gi 100m 25% v1.2 a:b a#b http://h:80/p?q=1 it's = ? << <"
        .split(" ")
        .filter((text) => text !== "?"),
    ..."yes Yes no on off y n true True TRUE tRUE false False null Null nULL ~ ~a -.nan .infinity".split(" "),
    ...["", "2026-11-29 10:20:30", "2026-11-29 10:20:30.25", "a b", "a  b"],
];

/** A key, unique in its block by its number. */
const key = (i: number) =>
    fc
        .constantFrom(`key${i}`, `"key${i}"`, `'key ${i}'`, `k-${i}`, `${i + 1}`, `KEY_${i}`)
        .map((text) => (i === 0 && text === "1" ? "true" : text));

const plainScalar = fc.oneof(fc.constantFrom(...trickyScalars), fc.integer().map(String), fc.double({ noNaN: true }).map(String));
/** Characters that stay on one line. */
const character = fc.oneof(
    fc.constantFrom(..." 'a\"\\:#-{}[],&*!|>%@`~\t0é😀"),
    fc.string({ minLength: 1, maxLength: 1, unit: "grapheme" }),
);
const words = fc.array(character, { maxLength: 8 }).map((characters) => characters.join("").replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "."));
const quoted = fc.oneof(
    words.map((text) => JSON.stringify(text)),
    words.map((text) => `'${text.replaceAll("'", "''")}'`),
    fc.constantFrom(...trickyScalars).map((text) => JSON.stringify(text)),
);
const comment = fc.constantFrom("", "", "", " # a comment", "   #: { [ '");

/** Within brackets a comma, a bracket or a colon would end a scalar. */
const flowScalar = fc.oneof(
    plainScalar.filter((text) => text !== "" && !/[,:?{}[\]]/.test(text)),
    quoted,
);

const { flow } = fc.letrec<{ flow: string }>((tie) => ({
    flow: fc.oneof(
        { maxDepth: 2 },
        flowScalar,
        fc.array(tie("flow"), { maxLength: 3 }).map((items) => `[${items.join(", ")}]`),
        fc
            .array(tie("flow"), { maxLength: 3 })
            .chain((values) => fc.tuple(...values.map((value, i) => key(i).map((key) => `${key}: ${value}`))))
            .map((pairs) => `{ ${pairs.join(", ")} }`),
    ),
}));

/** The lines of a value behind its key, the first of them on the key's own line. */
type Lines = string[];
const indented = (lines: Lines) => lines.map((line) => (line === "" ? "" : `    ${line}`));

const blockScalar = fc
    .tuple(fc.constantFrom("|", ">", "|-", ">-", "|+", ">+"), fc.array(words, { minLength: 1, maxLength: 3 }))
    // Spaces at the beginning would be the indentation, and without any word it is refused.
    .map(([mark, lines]): Lines => [` ${mark}`, ...indented(["x", ...lines].map((line) => line.replace(/^[ \t]+/, "")))]);

const { value } = fc.letrec<{ value: Lines }>((tie) => ({
    value: fc.oneof(
        { maxDepth: 3 },
        fc.tuple(fc.oneof(plainScalar, quoted, flow), comment).map(([text, comment]): Lines => [` ${text}${comment}`]),
        blockScalar,
        fc.array(tie("value"), { minLength: 1, maxLength: 3 }).map((items): Lines => ["", ...indented(items.flatMap(item))]),
        block(tie("value")),
    ),
}));

function item([first, ...lines]: Lines): Lines {
    return [`-${first}`, ...lines];
}

function block(value: fc.Arbitrary<Lines>): fc.Arbitrary<Lines> {
    return fc
        .array(value, { minLength: 1, maxLength: 3 })
        .chain((values) => fc.tuple(...values.map((lines, i) => key(i).map((key) => [`${key}:${lines[0]}`, ...lines.slice(1)]))))
        .map((pairs): Lines => ["", ...indented(pairs.flat())]);
}

/** Blocks that others are merged into. */
const merging = fc
    .tuple(block(value), flow, fc.boolean())
    .map(
        ([[, ...lines], other, isList]): Lines => [
            "sms:anchored: &anchored",
            ...lines,
            `sms:merged: { <<: ${isList ? "[*anchored, *anchored]" : "*anchored"}, key1: ${other} }`,
            "sms:alias: *anchored",
            "sms:also:",
            "    own: &own { a: 022, key1: 1 }",
            "    both:",
            "        key1: mine",
            "        <<: [*own, *anchored]",
        ],
    );

/** Stack files that the engine takes, as text. */
export function stackFileTexts(mostKeys = 6): fc.Arbitrary<string> {
    const name = (i: number) => [`sms:a${i}`, `b${i}`, `"sms:c${i}"`, `sms:config:d${i}`, `pulumi:e${i}`, `sms:f-${i}`][i % 6];
    const top = fc
        .array(value, { minLength: 1, maxLength: mostKeys })
        .map((values) => values.flatMap((lines, i): Lines => [`${name(i)}:${lines[0]}`, ...lines.slice(1)]));
    return fc.tuple(top, fc.option(merging, { nil: [] }), fc.boolean(), fc.boolean()).map(([lines, merged, isWindows, isMarked]) => {
        const text = ["# a stack", ...(isMarked ? ["---"] : []), "config:", ...indented([...lines, ...merged]), ""].join("\n");
        return isWindows ? text.replaceAll("\n", "\r\n") : text;
    });
}
