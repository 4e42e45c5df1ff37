/** What a template cannot do, and what it raises itself: the message is meant for whoever sent what it renders. */
export class TemplateError extends Error {}
