import CommandSupport
import SystemPackage
import TestSupport
import Testing

@Suite("An adapter's argument")
struct StrengthArgumentTests {
  @Test(
    "has a strength, strengths by block, or both behind its file",
    arguments: [
      ("a.st", nil, nil, ""), ("a.st:0.8", nil, 0.8, ""), ("slow=a.st:-1", "slow", -1, ""),
      ("a.st:double.0-7=0.5", nil, nil, "double.0-7=0.5"),
      ("slow=b/a.st:0.8,double=0.5,attn.to_q=-2", "slow", 0.8, "double=0.5 attn.to_q=-2.0"),
      ("fast=a.st:single=1", "fast", nil, "single=1.0"),
    ] as [(String, String?, Double?, String)])
  func parts(text: String, phase: String?, strength: Double?, blocks: String) throws {
    let argument = try AdapterArgument(text)
    #expect(argument.file.lastComponent?.string == "a.st")
    #expect(argument.phase == phase)
    #expect(argument.strength == strength)
    #expect(
      argument.blocks.map { "\($0.name)=\($0.strength)" }.joined(separator: " ") == blocks)
  }

  @Test(
    "with a strength that can't be is refused",
    arguments: [
      ("x", "strength 'x' is no number"), ("", "no strength follows the colon"),
      ("double=x", "strength 'x' is no number"), ("double=1,0.5", "strength '0.5' is for no part"),
      ("0.5,=1", "strength '=1' is for no part of the model"),
      ("double=inf", "expected a finite strength, found inf"),
    ])
  func mistakes(strength: String, reason: String) throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(Array("x".utf8), to: "a.st")
    expectRefusal(AdapterArgument.Mistake.self, saying: "\(file): \(reason)") {
      try AdapterArgument("\(file):\(strength)")
    }
  }

  @Test func ofAFileWithAColonIsTheFile() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(Array("x".utf8), to: "a:double=1")
    let argument = try AdapterArgument("\(file)")
    #expect(argument.file == file && argument.strength == nil && argument.blocks.isEmpty)
  }
}
