import SystemPackage
import TestSupport
import Testing

@Suite("The page of a command")
struct OptionPagesTests {
  @Test(
    "has every option of its help",
    arguments: [
      ("glance-sample", "sampling"), ("glance-train-lora", "training"),
      ("glance-convert", "conversions"), ("glance-merge", "merging"),
    ])
  func options(command: String, page: String) throws {
    let help = try BuiltCommand(command).run(["--help"]).output
    let options = Set(
      help.split(whereSeparator: { !($0.isLetter || $0.isNumber || $0 == "-") })
        .filter { $0.hasPrefix("--") && $0.count > 2 }
    ).subtracting(["--help", "--version"])
    try #require(options.count > 30)
    let root = Fixtures.folder.removingLastComponent().removingLastComponent()
    let text = try Fixtures.text(root.appending("docs").appending("\(page).md"))
    let words = Set(
      text.split(whereSeparator: { !($0.isLetter || $0.isNumber || $0 == "-") }))
    // These are the same everywhere, and explained by each command's help.
    let common: Set<Substring> = ["--quiet", "--verbose", "--threads"]
    #expect(options.subtracting(words).subtracting(common).sorted() == [])
  }
}
