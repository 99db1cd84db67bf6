internal import SystemPackage

/// What a SentencePiece model file holds for encoding.
///
/// Source: google/sentencepiece, `sentencepiece_model.proto`, `ModelProto`.
struct SentencePieceFile {
  let pieces: [UnigramModel.Piece]
  let unknownID: Int32
  let characterMap: PrecompiledCharacterMap

  /// Reads a model of type unigram.
  init(_ bytes: [UInt8], file: FilePath) throws(TokenizerError) {
    var pieces: [UnigramModel.Piece] = []
    var trainer = Trainer()
    var charsmap: [UInt8]?
    do {
      var message = ProtobufReader(bytes[...])
      while let field = try message.nextField() {
        guard case .bytes(let part) = field.value else { continue }
        switch field.number {
        case 1: pieces.append(try SentencePieceFile.piece(part, at: pieces.count, file: file))
        case 2: try trainer.read(part)
        case 3: charsmap = try SentencePieceFile.charsmap(part)
        default: continue
        }
      }
    } catch let error as ProtobufReader.Malformation {
      throw .malformed(
        file: file,
        detail: "not a SentencePiece model, or cut short: malformed at byte \(error.byteOffset)")
    } catch let error as TokenizerError {
      throw error
    } catch { throw .malformed(file: file, detail: "\(error)") }
    guard trainer.modelType == 1, !trainer.fallsBackToBytes else {
      throw .unsupported(file: file, detail: "expected a unigram model without byte fallback")
    }
    guard let unknownID = Int32(exactly: trainer.unknownID),
      pieces.indices.contains(Int(unknownID))
    else {
      throw .malformed(
        file: file,
        detail: "unk_id \(trainer.unknownID), expected less than the \(pieces.count) pieces")
    }
    // The trainer writes this part always, and last.
    guard let charsmap else {
      throw .malformed(file: file, detail: "no normalizer_spec; is the file cut short?")
    }
    guard let characterMap = PrecompiledCharacterMap(charsmap) else {
      throw .malformed(file: file, detail: "malformed precompiled_charsmap")
    }
    self.pieces = pieces
    self.unknownID = unknownID
    self.characterMap = characterMap
  }

  private static func piece(
    _ bytes: ArraySlice<UInt8>, at index: Int, file: FilePath
  ) throws -> UnigramModel.Piece {
    var text: String?
    var score: Float = 0
    var message = ProtobufReader(bytes)
    while let field = try message.nextField() {
      switch (field.number, field.value) {
      case (1, .bytes(let bytes)): text = String(validating: bytes, as: UTF8.self)
      case (2, .fixed32(let bits)): score = Float(bitPattern: bits)
      default: continue
      }
    }
    guard let text, score.isFinite else {
      throw TokenizerError.malformed(
        file: file, detail: "piece \(index): expected UTF-8 text and a finite score")
    }
    return UnigramModel.Piece(text: text, score: Double(score))
  }

  private static func charsmap(_ bytes: ArraySlice<UInt8>) throws -> [UInt8] {
    var result: [UInt8] = []
    var message = ProtobufReader(bytes)
    while let field = try message.nextField() {
      if field.number == 2, case .bytes(let bytes) = field.value { result = Array(bytes) }
    }
    return result
  }

  /// The fields of `TrainerSpec` that matter for encoding, with their defaults.
  private struct Trainer {
    var modelType: UInt64 = 1
    var fallsBackToBytes = false
    var unknownID: UInt64 = 0

    mutating func read(_ bytes: ArraySlice<UInt8>) throws {
      var message = ProtobufReader(bytes)
      while let field = try message.nextField() {
        switch (field.number, field.value) {
        case (3, .varint(let value)): modelType = value
        case (35, .varint(let value)): fallsBackToBytes = value != 0
        case (40, .varint(let value)): unknownID = value
        default: continue
        }
      }
    }
  }
}
