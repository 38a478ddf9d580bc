/** The site of the documents, by VitePress: `npm run docs`. Why: docs/decisions/0059-docs-site.md. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { DefaultTheme, MarkdownRenderer, UserConfig } from "vitepress";
import { problems } from "./check";
import { build, clone, type Language, linkPages, pages, picture, type Repository, slug, target } from "./pages";

const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name, GITHUB_SHA: commit } = process.env;

/** Set in workflows only. The site's path has the repository's name, and links lead to files of the commit. */
const repository: Repository | undefined = server && name && commit ? { address: `${server}/${name}`, commit } : undefined;

/** esbuild cannot compile destructuring for the browsers of 2020, which are the default. */
const browsers = "es2022";

const words = {
    "": {
        start: "Start",
        others: "Other documents",
        readers: "By reader",
        decisions: "Decisions",
        changes: "Changes",
        theme: { outline: { level: [2, 3], label: "On this page" } },
    },
    "zh/": {
        start: "开始",
        others: "其他文档",
        readers: "按读者",
        decisions: "决定",
        changes: "变更",
        theme: {
            outline: { level: [2, 3], label: "本页内容" },
            docFooter: { prev: "上一篇", next: "下一篇" },
            darkModeSwitchLabel: "外观",
            lightModeSwitchTitle: "浅色",
            darkModeSwitchTitle: "深色",
            sidebarMenuLabel: "目录",
            returnToTopLabel: "回到顶部",
            langMenuLabel: "切换语言",
            skipToContentLabel: "跳到正文",
            notFound: { title: "没有这一页", quote: "链接可能已经失效。", linkLabel: "回到首页", linkText: "回到首页" },
        },
    },
} satisfies Record<Language, { theme: DefaultTheme.Config } & Record<string, unknown>>;

/** The text of a page's document. */
const text = (page: string) => readFileSync(join(clone, pages.get(page) ?? ""), "utf8");

/** A page's entry in the side bar. */
const entry = (page: string): DefaultTheme.SidebarItem => ({
    text: /^# (.*)$/m.exec(text(page))?.[1]?.replaceAll("`", "") ?? page,
    link: target(page, "", repository) ?? "",
});

/** The lists of an index as groups of the side bar. A source file is left out if its address is unknown. */
const groups = (index: string, isWhole: boolean): DefaultTheme.SidebarItem[] =>
    text(index)
        .split(/^## /m)
        .slice(1)
        .map((section) => ({
            text: section.split("\n", 1)[0] ?? "",
            items: [...section.matchAll(/^(?:-|\d+\.) \[([^\]]+)\]\(([^)]+)\)(.*)$/gm)].flatMap(([, title = "", href = "", rest = ""]) => {
                const link = target(index, href, repository);
                return link === undefined ? [] : [{ text: (isWhole ? title + rest : title).replaceAll("`", ""), link }];
            }),
        }));

function theme(language: Language): DefaultTheme.Config {
    const { start, others, readers, decisions, changes, theme } = words[language];
    const page = (name: string) => language + name;
    const orders = groups(page("documents.md"), false);
    const first = ["index.md", "documents.md", "questions.md"].map(page).map(entry);
    const listed = new Set([...orders.flatMap(({ items }) => items ?? []), ...first].map(({ link }) => link?.replace(/#.*/, "")));
    const rest = [...pages.keys()]
        .filter((each) => each.startsWith("zh/") === (language === "zh/") && !each.includes("decisions/"))
        .map(entry)
        .filter(({ link }) => !listed.has(link));
    return {
        ...theme,
        nav: [
            {
                text: readers,
                items: orders.map(({ text = "" }) => ({ text, link: `/${language}documents#${slug(text)}` })),
            },
            { text: decisions, link: `/${language}decisions/` },
            { text: changes, link: `/${language}changelog` },
        ],
        sidebar: {
            [`/${language}decisions/`]: groups(page("decisions/index.md"), true).map((group) => ({ ...group, collapsed: true })),
            [`/${language}`]: [{ text: start, items: first }, ...orders, { text: others, items: rest }],
        },
        ...(repository && {
            socialLinks: [{ icon: "github", link: repository.address }],
            editLink: { pattern: `${repository.address}/edit/main/:path`, text: language === "" ? "Edit this page" : "编辑本页" },
        }),
    };
}

/** Links and pictures have the same targets as on GitHub. A source file with an unknown address gets no link. */
function relocate(md: MarkdownRenderer): void {
    md.core.ruler.push("relocate", ({ tokens, env }) => {
        let isOpen = true;
        for (const token of tokens.flatMap(({ children }) => children ?? [])) {
            if (token.type === "image") {
                token.attrSet("src", picture(env.relativePath, token.attrGet("src") ?? ""));
            } else if (token.type === "link_open") {
                const href = target(env.relativePath, token.attrGet("href") ?? "", repository);
                isOpen = href !== undefined;
                if (href !== undefined) {
                    token.attrSet("href", href);
                }
            }
            if (/^link_/.test(token.type) && !isOpen) {
                token.tag = "span";
                token.attrs = null;
            }
        }
    });
}

/** Adds a notice to a Chinese page whose document exists only in English. */
function tellLanguage(md: MarkdownRenderer): void {
    md.core.ruler.push("tell_language", ({ tokens, env, Token }) => {
        if (env.relativePath.startsWith("zh/") && !pages.get(env.relativePath)?.endsWith(".zh.md")) {
            const [open, close] = [new Token("html_block", "", 0), new Token("html_block", "", 0)];
            open.content = '<div class="info custom-block"><p>本页尚无中文版，以下是英文原文。</p></div><div lang="en">\n';
            close.content = "</div>\n";
            tokens.unshift(open);
            tokens.push(close);
        }
    });
}

/** Shows double braces as text. Vue would evaluate them as an expression, and so fail or show nothing. */
function keepBraces(md: MarkdownRenderer): void {
    for (const kind of ["text", "code_inline"] as const) {
        const render = md.renderer.rules[kind];
        md.renderer.rules[kind] = (...token) => (render?.(...token) ?? "").replaceAll("{{", "&#123;&#123;");
    }
}

const style = `
    .diagram { overflow-x: auto; }
    .diagram img { max-width: none; width: max(100%, 38rem); }
    .vp-doc img { background: white; }
    .VPDoc.has-aside .container .content-container { max-width: 54rem; }
`;

/** Splits a text into words. Chinese has no spaces, so each pair of characters is a word. The function runs in the browser, without imports. */
export const tokenize = (text: string) =>
    text.split(/[\n\r\p{Z}\p{P}\p{S}]+/u).flatMap((word) =>
        word
            .split(/(\p{Script=Han}+)/u)
            .filter((part) => part !== "")
            .flatMap((part) =>
                /\p{Script=Han}{3}/u.test(part) ? [...part].slice(1).map((character, place) => [...part][place] + character) : part,
            ),
    );

type Draw = (source: string, options: { padding: number; nodeSpacing: number; layerSpacing: number }) => string;

/** Draws a diagram from top to bottom, because a page is narrow. The picture loads no font from another host. */
function diagram(source: string, draw: Draw): string {
    const narrow = source.replace(/^flowchart LR/, "flowchart TB");
    const drawn = draw(narrow, { padding: 4, nodeSpacing: 12, layerSpacing: 24 }).replace(/^ *@import .*$/m, "");
    return `<div class="diagram"><img alt="Diagram" src="data:image/svg+xml;base64,${Buffer.from(drawn).toString("base64")}"></div>`;
}

async function config(): Promise<UserConfig<DefaultTheme.Config>> {
    const { renderMermaidSVG } = await import("beautiful-mermaid");
    const diagrams = (md: MarkdownRenderer) => {
        const { fence } = md.renderer.rules;
        md.renderer.rules.fence = (...all) => {
            const token = all[0][all[1]];
            return token?.info === "mermaid" ? diagram(token.content, renderMermaidSVG) : (fence?.(...all) ?? "");
        };
    };
    return {
        title: "sms",
        description: "sms on Kubernetes, by Pulumi",
        base: name && repository ? `/${name.split("/")[1]}/` : "/",
        srcDir: linkPages(),
        outDir: join(build, "site"),
        cacheDir: join(build, "cache"),
        locales: {
            root: { label: "English", lang: "en", themeConfig: theme("") },
            zh: { label: "简体中文", lang: "zh-CN", description: "用 Pulumi 在 Kubernetes 上运行 sms", themeConfig: theme("zh/") },
        },
        themeConfig: {
            search: {
                provider: "local",
                options: {
                    miniSearch: { options: { tokenize } },
                    locales: {
                        zh: {
                            translations: {
                                button: { buttonText: "搜索", buttonAriaLabel: "搜索" },
                                modal: {
                                    displayDetails: "显示正文",
                                    resetButtonTitle: "清除",
                                    backButtonTitle: "关闭",
                                    noResultsText: "没有结果：",
                                    footer: { selectText: "打开", navigateText: "移动", closeText: "关闭" },
                                },
                            },
                        },
                    },
                },
            },
        },
        markdown: {
            // The same as on GitHub: braces are text, and anchors have the same names.
            attrs: { disable: true },
            anchor: { slugify: slug },
            config: (md) => {
                relocate(md);
                tellLanguage(md);
                diagrams(md);
                keepBraces(md);
            },
        },
        transformPageData: ({ relativePath }) => ({ filePath: pages.get(relativePath) }),
        head: [
            ["link", { rel: "icon", href: "data:," }],
            ["style", {}, style],
        ],
        vite: {
            resolve: { preserveSymlinks: true },
            build: { target: browsers },
            optimizeDeps: { esbuildOptions: { target: browsers } },
        },
        buildEnd({ outDir, site }) {
            const wrong = problems(outDir, site.base, [...pages.keys()]);
            if (wrong.length > 0) {
                throw new Error(`The site is wrong:\n${wrong.join("\n")}`);
            }
        },
    };
}

export default config;
