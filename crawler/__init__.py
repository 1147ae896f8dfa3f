"""From a source to an article. In reading order:

`sources` what we read · `network` how we go out · `urls` one page, one address · `entries` what a source
announces and when two are the same · `fetches` one retrieval and its outcome · `articles` the text behind
an entry · `pacing` when a source is due again · `answers` what a server said · `revalidation` what that
means · `robots` what a site allows · `download` the guarded way out · `documents`, `plain`, `dates`,
`rawfeeds`, `feeds`, `pages` bytes → entries and text · `child` the process that reads them, killable and
without secrets · `archive` the notebook · `hosts`, `lanes`, `commits` what is at hand in front of it ·
`spiders` one room for each kind of source · `pipeline` from Scrapy into the archive · `crawl` the door.
"""
