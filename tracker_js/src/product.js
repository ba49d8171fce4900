/** The product of a page, as the page declares it: first hit wins. */

// Where a product's id, price and category stand: GA4's, OpenGraph's and schema.org's names.
const ID = "item_id retailer_item_id productGroupID sku productID mpn item_name name";
const PRICE = "price price:amount lowPrice";
const CATEGORY = "category item_category";

const all = (selector) => [...document.querySelectorAll(selector)];
const only = (list) => list.length == 1 && list[0];

/** An event's fields, from a function that gives a property; a product without an id is none. */
export const fields = (get) => {
  const any = (names) => names.split(" ").map(get).find(Boolean);
  const product = any(ID);
  const stock = get("availability");
  return (
    product && {
      product: `${product}`,
      price: +any(PRICE) || undefined,
      category: any(CATEGORY)?.toString(),
      available: stock && /in.?stock|limited|pre.?order|online/i.test(stock),
    }
  );
};

// Not into item lists: a page that lists products is not one of them.
const products = (node) =>
  /\bProduct(Group)?\b/.test(node?.["@type"])
    ? node
    : [node, node?.["@graph"], node?.mainEntity].flat().flatMap((inner) => inner && inner != node ? products(inner) : []);

const parse = (script) => {
  try {
    return products(JSON.parse(script.textContent));
  } catch {
    return []; // broken
  }
};

/** JSON-LD, microdata, OpenGraph. */
export const declared = () => {
  const inJson = only(all('[type="application/ld+json"]').flatMap(parse));
  const offer = [inJson.offers].flat()[0];
  const inHtml = only(all('[itemtype$="schema.org/Product"]:not([itemprop])'));
  return (
    fields((name) => inJson[name] || offer?.[name]) ||
    fields((name) => {
      const node = inHtml.querySelector?.(`[itemprop="${name}"]`);
      return node?.content || node?.href || node?.textContent.trim();
    }) ||
    fields((name) => all(`[property="product:${name}"]`)[0]?.content)
  );
};
