import Files
import SystemPackage
import Testing

@Suite("SHA-256")
struct SHA256Tests {
  // FIPS 180-2, appendix B.1 and B.2, and the digest of nothing.
  @Test(
    arguments: [
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ])
  func knownDigest(text: String, expected: String) {
    let bytes = Array(text.utf8)
    #expect(unsafe SHA256.hexadecimal(of: bytes.span.bytes) == expected)
  }

  @Test func missingFileIsAnError() {
    #expect(throws: Errno.noSuchFileOrDirectory) { try SHA256.hexadecimal(of: "/nowhere/a") }
  }
}
