/** Checks of the built site that VitePress does not have. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const decoded = (attribute: string) => decodeURI(attribute.replaceAll("&amp;", "&"));

const attributes = (html: string, pattern: RegExp) => [...html.matchAll(pattern)].map(([, value = ""]) => decoded(value));

/** Returns the missing pages, and the links and pictures without a target in the site. */
export function problems(site: string, base: string, pages: readonly string[]): string[] {
    const missing = pages
        .map((page) => page.replace(/\.md$/, ".html"))
        .filter((file) => !existsSync(join(site, file)))
        .map((file) => `${file}: no such page`);
    const files = readdirSync(site, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".html"));
    const texts = new Map(files.map((file) => [file, readFileSync(join(site, file), "utf8")]));
    const anchors = new Map([...texts].map(([file, html]) => [file, new Set(attributes(html, / id="([^"]*)"/g))]));
    const wrong = [...texts].flatMap(([file, html]) =>
        attributes(html, /<(?:a|img)\b[^>]*? (?:href|src)="([^"]*)"/g).flatMap((link) => {
            const { origin, pathname, hash } = new URL(link, `https://site${base}${file}`);
            if (origin !== "https://site") {
                return [];
            }
            const below = pathname.startsWith(base) ? decoded(pathname.slice(base.length)).replace(/^$|\/$/, "$&index.html") : undefined;
            const anchor = decoded(hash.slice(1));
            const isThere = below !== undefined && (anchor === "" ? existsSync(join(site, below)) : anchors.get(below)?.has(anchor));
            return isThere ? [] : [`${file}: ${link}: no such ${anchor === "" ? "page or file" : "heading"}`];
        }),
    );
    return [...missing, ...new Set(wrong)];
}
