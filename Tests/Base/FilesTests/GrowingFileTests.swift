import Files
import Glibc
import SystemPackage
import TestSupport
import Testing

@Suite("A growing file")
struct GrowingFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private var file: FilePath { folder.path.appending("log") }

  private func save(_ text: String) throws { try writeGrowing(Array(text.utf8), to: file) }

  private func status() -> stat {
    var status = stat()
    unsafe stat(file.string, &status)
    return status
  }

  @Test("stays the same file while its beginning does")
  func grows() throws {
    try save("one")
    let inode = status().st_ino
    for text in ["one, two", "one, two", "one, two, three"] {
      try save(text)
      #expect(try Fixtures.text(file) == text)
      #expect(status().st_ino == inode)
    }
    #expect(folder.entries == ["log"])
  }

  @Test(
    "is replaced where it holds something else or more", arguments: ["one, 2", "one, two, three"])
  func replaced(earlier: String) throws {
    try save(earlier)
    // A second name keeps the number of the file from being given to its successor.
    link(file.string, folder.path.appending("other").string)
    let inode = status().st_ino
    try save("one, two")
    #expect(try Fixtures.text(file) == "one, two")
    #expect(status().st_ino != inode)
    #expect(try Fixtures.text(folder.path.appending("other")) == earlier)
  }

  @Test("that can't be written is named")
  func refused() throws {
    let error = #expect(throws: FileError.self) {
      try writeGrowing([1], to: folder.path.appending("no").appending("log"))
    }
    #expect(
      error?.description
        == "\(folder.path)/no/log: cannot create: there is no folder '\(folder.path)/no'; make it first"
    )
  }
}
