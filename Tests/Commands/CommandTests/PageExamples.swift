import Glibc
import SystemPackage
import TestSupport
import Testing

/// A page of `docs/` with examples: lines after ```` ```console ```` that begin with `$ ` are run one after the other
/// in a folder that has what they read, and the page shows what they print.
struct PageExamples {
  /// The page's file.
  let page: FilePath
  /// Where the commands run.
  let folder: FilePath

  init(_ name: String, in folder: FilePath) {
    page = Fixtures.folder.removingLastComponent().removingLastComponent()
      .appending("docs").appending(name)
    self.folder = folder
  }

  /// Expects that the page shows what its commands print. To write it anew after a change of texts, set
  /// `GLANCE_WRITE_PAGES`.
  func expectShown() throws {
    let text = try Fixtures.text(page)
    var found: [Substring] = []
    var isExample = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("```") { isExample = line == "```console" }
      if isExample, !line.hasPrefix("$ "), !line.hasPrefix("```") { continue }
      found.append(line)
      guard isExample, line.hasPrefix("$ ") else { continue }
      let outcome = try BuiltCommand("glance-convert").shell(
        "cd '\(folder)' && PATH=\"$(dirname \"$COMMAND\"):$PATH\" && { \(line.dropFirst(2)); } 2>&1"
      )
      found += outcome.output.split(separator: "\n")
    }
    let whole = found.joined(separator: "\n")
    if unsafe getenv("GLANCE_WRITE_PAGES") != nil {
      let descriptor = try FileDescriptor.open(page, .writeOnly, options: [.truncate])
      _ = try descriptor.closeAfter { try descriptor.writeAll(Array(whole.utf8)) }
    }
    for (own, shown) in zip(found, text.split(separator: "\n", omittingEmptySubsequences: false)) {
      #expect(own == shown)
      if own != shown { break }
    }
    #expect(whole == text)
  }
}
