/** A rule of markdownlint: the words of CONTRIBUTING.md, "Plain English", and sentences that are too long to be read once. */

/** Each with what to write in its place. */
const plainer = [
    [/\bwhoever\b/i, "the person's role, or a sentence with if"],
    [/\bwhat is there\b/i, "the existing …"],
    [/\b(?:goes|go|going) on \w+ing\b/i, "continues to, or still"],
    [/\banew\b/i, "again"],
    [/\bmend(?:s|ed|ing)?\b/i, "repair"],
    [/\b(?:makes?|made) up the\b/i, "generate"],
    [/\b(?:is|are) to be (?:set|done|made)\b/i, "an instruction"],
    [/\blikewise\b/i, "the same, in words"],
    [/\bas ever\b/i, "unchanged"],
];

/** Words, with a colon as an end. */
const longest = 30;

/** The line as it is read: code is one word, a link its text. */
const read = (line) =>
    line
        .replace(/`[^`]*`/g, "code")
        .replace(/"[^"]*"/g, "quotation")
        .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
        .replace(/https?:\S+/g, "URL");

/** Lines that aren't in a block of code, each with its number. */
function prose(lines) {
    let fence;
    return lines.flatMap((line, place) => {
        const [, mark] = /^ *(```|~~~)/.exec(line) ?? [];
        if (mark !== undefined) {
            fence = fence === undefined ? mark : fence === mark ? undefined : fence;
            return [];
        }
        return fence === undefined ? [{ lineNumber: place + 1, line }] : [];
    });
}

/** What is wrong with a line of a document or with a comment. */
function findings(line) {
    const text = read(line);
    const words = plainer.flatMap(([pattern, instead]) => {
        const [found] = pattern.exec(text) ?? [];
        return found === undefined ? [] : [`"${found}": write ${instead}`];
    });
    const sentences = text.split(/(?<=[.:;?!][*)]*) |\|/).flatMap((sentence) => {
        const length = sentence.split(/\s+/).filter((word) => /\w/.test(word)).length;
        return length > longest ? [`${length} words in one sentence: "${sentence.trim().slice(0, 40)} …"`] : [];
    });
    return [...words, ...sentences];
}

module.exports = {
    findings,
    names: ["plain-english"],
    description: "Plain English (CONTRIBUTING.md)",
    tags: ["prose"],
    parser: "none",
    function: ({ lines, name, frontMatterLines }, onError) => {
        const offset = frontMatterLines.length;
        for (const { lineNumber, line } of prose(lines)) {
            // The pairs of before and after.
            if (line.startsWith("|") && name.endsWith("CONTRIBUTING.md")) {
                continue;
            }
            for (const detail of findings(line)) {
                onError({ lineNumber: lineNumber + offset, detail });
            }
        }
    },
};
