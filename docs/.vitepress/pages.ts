/** The documents' pages on the site, and the targets of their links. */
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync } from "node:fs";
import { dirname, join, posix } from "node:path";

/** operations/operation.ts has the same constant, but it loads packages that VitePress cannot bundle. */
export const clone = join(__dirname, "..", "..");

/** The generated files: the linked pages, VitePress's cache and the site. */
export const build = join(clone, "docs", ".vitepress", "build");

/** The folder of each language, with a slash at the end. */
export type Language = "" | "zh/";

/** The pages whose path differs from their document's path. */
const renamed: Readonly<Record<string, string>> = {
    "README.md": "index.md",
    "docs/README.md": "documents.md",
    "docs/decisions/README.md": "decisions/index.md",
};

const path = (document: string) => renamed[document] ?? document.replace(/^docs\//, "").toLowerCase();

/** The documents in English, by their paths in the repository. */
const documents = ["", "docs/", "docs/decisions/"].flatMap((folder) =>
    readdirSync(join(clone, folder))
        .filter((name) => name.endsWith(".md") && !name.endsWith(".zh.md"))
        .map((name) => folder + name),
);

function inChinese(document: string): string {
    const translation = document.replace(/\.md$/, ".zh.md");
    return existsSync(join(clone, translation)) ? translation : document;
}

/** Each page and its document. A document without a translation has an English text in both languages. */
export const pages: ReadonlyMap<string, string> = new Map(
    documents.flatMap((document) => [
        [path(document), document],
        [`zh/${path(document)}`, inChinese(document)],
    ]),
);

const pictures = readdirSync(join(clone, "docs"), { recursive: true, encoding: "utf8" }).filter((file) => /^[^.].*\.svg$/.test(file));

/** Creates a symbolic link for each page and picture. With VitePress's own rewrites, the Chinese search finds nothing. */
export function linkPages(): string {
    const folder = join(build, "pages");
    rmSync(folder, { recursive: true, force: true });
    for (const [link, file] of [...pages, ...pictures.map((picture) => [picture, `docs/${picture}`] as const)]) {
        mkdirSync(dirname(join(folder, link)), { recursive: true });
        symlinkSync(join(clone, file), join(folder, link));
    }
    return folder;
}

/** A heading's anchor in GitHub's format. */
export const slug = (heading: string) =>
    heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, "")
        .replace(/ /g, "-");

/** The path in the repository of a link's target. */
function named(page: string, relative: string): string {
    const document = pages.get(page) ?? "";
    return relative === "" ? document : posix.join(posix.dirname(document), decodeURI(relative));
}

/** The page of a document, in the language of the page that links to it. A translation has other headings, so it links to its original. */
function pageOf(document: string, from: string, hasAnchor: boolean): string | undefined {
    const english = document.replace(/\.zh\.md$/, ".md");
    if (!documents.includes(english)) {
        return undefined;
    }
    const isOriginal = english !== inChinese(english) && (hasAnchor || inChinese(english) === pages.get(from));
    const isChinese = document.endsWith(".zh.md") || (from.startsWith("zh/") && !isOriginal);
    return (isChinese ? "zh/" : "") + path(english);
}

/** A commit of the repository, on GitHub. */
export interface Repository {
    readonly address: string;
    readonly commit: string;
}

/** The target of a link: a page of the site, or a file of the repository if its address is known. */
export function target(page: string, href: string, repository: Repository | undefined): string | undefined {
    if (href.startsWith("#") || /^[a-z][a-z+.-]*:/i.test(href)) {
        return href;
    }
    const [file = "", anchor] = href.split("#");
    const hash = anchor === undefined ? "" : `#${anchor}`;
    const document = named(page, file);
    const found = pageOf(document, page, anchor !== undefined);
    if (found !== undefined) {
        return `/${found.replace(/(^|\/)index\.md$/, "$1").replace(/\.md$/, "")}${hash}`;
    }
    if (repository === undefined) {
        return undefined;
    }
    const kind = statSync(join(clone, document)).isDirectory() ? "tree" : "blob";
    return `${repository.address}/${kind}/${repository.commit}/${document}${hash}`;
}

/** A picture's path, relative to the page. */
export const picture = (page: string, source: string) => posix.relative(posix.dirname(page), named(page, source).replace(/^docs\//, ""));
