import assert from "node:assert/strict";
import fc from "fast-check";
import { anyCharacter } from "../../lab/fixtures/anyCharacter";
import { block, code, words } from "../../operations/markdown";

describe("another author's text in a comment", () => {
    it("mentions nobody, and has no link, picture or HTML", () => {
        const told = words("@admin see https://evil.example www.evil.example ![x](y) [a](b) <img src=x> <!-- --> #12 GH-12 **bold**");
        assert.equal(
            told,
            "@\u200badmin see https\u200b://evil.example www\u200b.evil.example !\\[x\\](y) \\[a\\](b) &lt;img src=x&gt; &lt;!-- --&gt; #\u200b12 GH\u200b-12 \\*\\*bold\\*\\*",
        );
    });

    it("stays in its line and its cell", () => {
        assert.equal(code("a`b|c\n# d\u202e"), "`a'b\\|c # d`");
        assert.equal(words("a|b\n\n# c `x|y`"), "a\\|b # c `x\\|y`");
    });

    it("can't end its block", () => {
        assert.equal(block("a\n```\n# b\n````"), "`````text\na\n```\n# b\n````\n`````");
    });

    it("has only one line, for any text", () => {
        const character = fc.oneof(fc.constantFrom(..."\n\r\u2028\u2029\u202e<[\\"), anyCharacter);
        fc.assert(
            fc.property(fc.string({ unit: character }), (text) => {
                assert.doesNotMatch(code(text) + words(text), /[\n\r\u2028\u2029\u202e]/);
                assert.doesNotMatch(words(text).replace(/`[^`]*`/g, ""), /<|(^|[^\\])\[/);
            }),
            { numRuns: 50 },
        );
    });
});
