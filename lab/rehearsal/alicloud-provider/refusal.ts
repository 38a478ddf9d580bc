/** An error of the cloud's API: a code and a sentence. */
export class Refusal extends Error {
    constructor(
        readonly code: string,
        sentence: string,
    ) {
        super(sentence);
    }
}
