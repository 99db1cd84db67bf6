import Testing
import Tokenizers

/// A tokenizer of one id a scalar, framed by 100 and 200.
private struct ScalarTokenizer: Tokenizer {
  let modelMaximumLength: Int? = nil
  let paddingID: Int32 = 7
  let idBound = 0x11_0000
  let leadingIDs: [Int32] = [100]
  let trailingIDs: [Int32] = [200]
  func textIDs(_ text: String) -> [Int32] { text.unicodeScalars.map { Int32($0.value) } }
}

@Suite("Framing, cutting and padding")
struct EncodingTests {
  private let tokenizer = ScalarTokenizer()

  @Test func framesAText() {
    let found = tokenizer.encode("AB")
    #expect(found.ids == [100, 65, 66, 200])
    #expect(found.tokenCount == 4 && !found.isTruncated)
  }

  @Test func fillsUpAndMasks() {
    let found = tokenizer.encode("AB", maximumLength: 6, padding: true)
    #expect(found.ids == [100, 65, 66, 200, 7, 7])
    #expect(found.mask == [1, 1, 1, 1, 0, 0])
    #expect(found.tokenCount == 4 && found.droppedCount == 0)
  }

  @Test func cutsTheTextButKeepsTheFrame() {
    let found = tokenizer.encode("ABCDE", maximumLength: 4, padding: true)
    #expect(found.ids == [100, 65, 66, 200])
    #expect(found.isTruncated && found.droppedCount == 3)
  }

  @Test func doesNotCutWhatFits() {
    #expect(!tokenizer.encode("ABCDE", maximumLength: 7).isTruncated)
    #expect(tokenizer.encode("ABCDE", maximumLength: 6).droppedCount == 1)
  }

  @Test("never returns more than asked for", arguments: [-1, 0, 1, 2])
  func tinyLengths(length: Int) {
    let found = tokenizer.encode("ABC", maximumLength: length, padding: true)
    #expect(found.ids == Array([100, 200].prefix(max(length, 0))))
    #expect(found.droppedCount == 3)
  }

  @Test func emptyTextIsTheFrame() {
    #expect(tokenizer.encode("").ids == [100, 200])
  }
}
