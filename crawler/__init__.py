"""From a source to an article. In reading order:

sources, network         what we read, and how we go out
urls                     one page, one address
entries                  what a source announces, and when two are the same
fetches                  one retrieval and its outcome
articles                 the text behind an entry; what counts as a revision
pacing                   when is a source due again?
answers, revalidation    what a server said, and what that means
robots, download         what a site allows; the guarded way out
documents, plain, dates  what all readers of bytes share
rawfeeds, feeds, pages   bytes → entries, and text
child                    the process that reads them: killable, without secrets
storage, archive         the notebook
hosts, lanes, commits    what is at hand in front of it
spiders                  one room for each kind of source
pipeline                 from Scrapy into the archive
crawl                    the door: crawl what is due
"""
