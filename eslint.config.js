// Lint rules: the recommended ones of eslint and typescript-eslint; prettier has the form.
import eslint from '@eslint/js'
import typescript from 'typescript-eslint'

export default typescript.config(
  {
    ignores: ['dist/', 'build/', 'runtime/', 'node_modules/', '.tap/', 'test/fixtures/', 'state/'],
  },
  eslint.configs.recommended,
  ...typescript.configs.recommended,
  {
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' },
      ],
      eqeqeq: 'error',
      'no-console': 'off',
    },
  },
  {
    files: ['**/*.mjs', '*.js', 'src/observe/page/*.js'],
    languageOptions: {
      globals: {
        console: 'readonly',
        process: 'readonly',
        setTimeout: 'readonly',
        fetch: 'readonly',
      },
    },
    rules: { 'no-undef': 'off' },
  },
)
