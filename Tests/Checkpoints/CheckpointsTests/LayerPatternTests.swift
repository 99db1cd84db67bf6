import Checkpoints
import Testing

/// What Python 3.11's `re.match` says of the same.
@Suite("Patterns of layers' names")
struct LayerPatternTests {
  @Test(
    "match what begins with them",
    arguments: [
      ("a", "abc", true), ("b", "abc", false), ("a$", "abc", false), ("abc$", "abc", true),
      (".*c", "abc", true), (".*c$", "abcd", false), (".+a", "a", false), (".+a", "ba", true),
      ("a.c", "abc", true), ("a\\.c", "abc", false), ("a\\.c", "a.c", true), ("", "abc", true),
      (".*(q|k|v)_proj$", "model.layers.0.self_attn.k_proj", true),
      (".*(q|k|v)_proj$", "model.layers.0.self_attn.o_proj", false),
      (".*attn.*proj", "x.attn.proj", true), (".*attn.+proj", "x.attnproj", false),
      ("(a|ab)c", "abc", true), ("(a|)b", "b", true), ("(|ab)(b|c)$", "abc", true),
      ("layers.1.", "layers.10.x", true), ("layers\\.1\\.", "layers.10.x", false),
      (".*a.*a.*a$", "aaba", true), (".*a.*a.*a$", "abba", false), ("$", "", true),
      ("$", "a", false),
    ])
  func matching(pattern: String, name: String, isMatch: Bool) throws {
    #expect(try #require(LayerPattern(pattern)).matches(name) == isMatch)
  }

  @Test(
    "of other kinds are not understood",
    arguments: [
      "a*", "a+", "a?", "a{2}", ".?", ".*?", ".{2}", "[ab]", "\\d", "a|b", "(?:a)", "(a", "a)",
      "(a|b",
      "(a(b))", "(a)*", "^a", "a$b", "(a$)", "\\", String(repeating: "a", count: 257),
    ])
  func others(pattern: String) {
    #expect(LayerPattern(pattern) == nil)
  }
}
