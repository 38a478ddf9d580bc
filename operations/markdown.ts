/** Escapes untrusted text for GitHub's markdown, so that it is displayed as plain text. */

/** Control characters, and characters that reverse the direction of writing. */
const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
/** A zero-width space. It splits text that GitHub would turn into a mention or a link. */
const gap = "\u200b";

/** One line of code: GitHub makes no links or mentions in it. A bar is escaped, because it would end a table's cell even in code. */
export function code(text: string, most = 200): string {
    const line = text.replace(/\s+/g, " ").replace(invisible, "").replaceAll("`", "'");
    const cut = line.length > most ? `${line.slice(0, most)}…` : line;
    return cut.trim() === "" ? "` `" : `\`${cut.replaceAll("|", "\\|")}\``;
}

/** One line of plain text. Text between backticks becomes code. */
export function words(text: string, most = 1000): string {
    const line = text.replace(/\s+/g, " ").replace(invisible, "");
    const cut = line.length > most ? `${line.slice(0, most)}…` : line;
    return cut
        .split(/(`[^`]+`)/)
        .map((part) => (/^`[^`]+`$/.test(part) ? code(part.slice(1, -1), most) : escaped(part)))
        .join("");
}

function escaped(text: string): string {
    return text
        .replace(/[\\`*[\]|~]|(?<!\w)_|_(?!\w)/g, "\\$&")
        .replaceAll("&", "&amp;")
        .replaceAll("<", "&lt;")
        .replaceAll(">", "&gt;")
        .replace(/(@|#)(?=\w)/g, `$1${gap}`)
        .replace(/\b(https?|ftp|mailto):/gi, `$1${gap}:`)
        .replace(/\bwww\./gi, `www${gap}.`)
        .replace(/\b(GH)-(?=\d)/gi, `$1${gap}-`);
}

/** Several lines, unchanged, as a code block. */
export function block(text: string, most = 5000): string {
    const lines = text.replace(/[^\n]*/g, (line) => line.replace(/\t/g, "    ").replace(invisible, "")).slice(0, most);
    const longest = Math.max(2, ...[...lines.matchAll(/`+/g)].map(([run]) => run.length));
    const fence = "`".repeat(longest + 1);
    return `${fence}text\n${lines}\n${fence}`;
}
