import type { TopLevelSpec } from "vega-lite";

/** Draws a Vega-Lite specification as SVG. The same data give the same text. */
export async function svg(spec: TopLevelSpec): Promise<string> {
    // Both use a top-level await, so `require` can't load them.
    const [{ parse, View }, { compile }] = await Promise.all([import("vega"), import("vega-lite")]);
    const view = new View(parse(compile({ background: "white", ...spec }).spec), { renderer: "none" });
    try {
        return `${(await view.toSVG()).replace(/<[^>]+>/g, shortened)}\n`;
    } finally {
        view.finalize();
    }
}

/** Rounds coordinates to one digit after the point. With all digits they would take half of the file. */
const shortened = (tag: string) => tag.replace(/\d+\.\d{2,}/g, (number) => `${Number(Number(number).toFixed(1))}`);
