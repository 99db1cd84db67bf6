import ArgumentParser
import CommandSupport
import SystemPackage
import TestSupport
import Testing

@Suite("An argument")
struct ArgumentTests {
  @Test(
    "that is a size is read",
    arguments: [
      ("1024x1024", 1024, 1024, 4096), ("512", 512, 512, 1024), ("1664×928", 1664, 928, 6032),
      ("16X32", 16, 32, 2),
    ])
  func sizes(text: String, width: Int, height: Int, tokens: Int) throws {
    let size = try PictureSize(parsing: text)
    #expect(size == PictureSize(width: width, height: height))
    #expect(size.tokens == tokens)
    #expect(try PictureSize(parsing: size.description) == size)
  }

  @Test(
    "that is no possible size is refused",
    arguments: [
      ("1024:512", "WIDTHxHEIGHT"), ("0", "WIDTHxHEIGHT"), ("0x16", "WIDTHxHEIGHT"),
      ("-16x16", "WIDTHxHEIGHT"),
      ("16x16x16", "WIDTHxHEIGHT"), ("axb", "WIDTHxHEIGHT"), ("", "WIDTHxHEIGHT"),
      ("1000x1000", "such as 1008x1008"), ("7x16", "such as 16x16"),
      ("16x1000000000", "100 million"),
      ("9223372036854775807x9223372036854775807", "100 million"),
      ("99999999999999999999x16", "WIDTHxHEIGHT"),
    ])
  func noSizes(text: String, reason: String) throws {
    let error = try #require(throws: ValidationError.self) { try PictureSize(parsing: text) }
    #expect(error.message.contains(reason))
  }

  @Test(
    "that is a number of bytes is read",
    arguments: [
      ("5GB", 5_000_000_000), ("1.5 GiB", 1_610_612_736), ("500mb", 500_000_000), ("1kB", 1000),
      ("123456", 123_456), ("7 b", 7), ("2TiB", 2 << 40),
    ])
  func byteSizes(text: String, count: Int) throws {
    #expect(try ByteSize(parsing: text).count == count)
  }

  @Test(
    "that is no number of bytes is refused",
    arguments: ["", "GB", "-1GB", "0", "five", "1e300GB", "nan", "infGB", "5 parsecs"])
  func noByteSizes(text: String) {
    expectRefusal(ValidationError.self, saying: "expected a size such as 5GB, 1.5GiB or 500MB") {
      try ByteSize(parsing: text)
    }
  }

  @Test func thatIsAPathKeepsItsText() {
    #expect(FilePath(argument: "") == nil)
    #expect(FilePath(argument: "a/b ü.safetensors")?.string == "a/b ü.safetensors")
  }
}

@Suite("The common options")
struct CommonOptionsTests {
  @Test func haveDefaults() throws {
    let options = try CommonOptions.parse([])
    #expect(options.verbosity == .normal)
    #expect(options.threadCount >= 1)
  }

  @Test func areRead() throws {
    let options = try CommonOptions.parse(["-q", "--threads", "3"])
    #expect(options.verbosity == .quiet)
    #expect(options.threadCount == 3)
    #expect(try CommonOptions.parse(["--verbose"]).verbosity == .verbose)
    let output = try OutputOptions.parse(["--force", "--dry-run"])
    #expect(output.force && output.dryRun)
  }

  @Test(
    "refuse what makes no sense",
    arguments: [["-q", "-v"], ["--threads", "0"], ["--threads", "x"]])
  func refused(arguments: [String]) {
    #expect(throws: (any Error).self) { try CommonOptions.parse(arguments) }
  }
}
